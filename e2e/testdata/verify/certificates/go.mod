module tides

go 1.22
