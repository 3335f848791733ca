export interface Buoy {
  name: string;
  side: "port" | "starboard";
}

export const buoys: Buoy[] = [
  { name: "Skagen 1", side: "starboard" },
  { name: "Skagen 2", side: "port" },
  { name: "Inner 1", side: "starboard" },
];
