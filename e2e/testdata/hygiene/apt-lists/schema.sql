PRAGMA user_version = 2;

CREATE TABLE watch (
  id     INTEGER PRIMARY KEY,
  began  TEXT NOT NULL,
  keeper TEXT NOT NULL
);

CREATE TABLE entry (
  watch INTEGER NOT NULL REFERENCES watch (id),
  wind  TEXT NOT NULL,
  note  TEXT NOT NULL DEFAULT ''
);

INSERT INTO watch (began, keeper) VALUES ('1931-02-03T20:00', 'Aslaug'), ('1931-02-04T00:00', 'Peder');
INSERT INTO entry (watch, wind, note) VALUES (1, 'SW 5', 'lamp trimmed'), (2, 'W 7', ''), (2, 'W 8', 'shutters closed');
