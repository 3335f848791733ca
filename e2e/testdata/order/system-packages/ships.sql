CREATE TABLE ship (name TEXT, berth INTEGER);
INSERT INTO ship VALUES ('Aurora', 3), ('Fulmar', 1);
SELECT berth || ' ' || name FROM ship ORDER BY berth;
