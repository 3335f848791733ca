module example.org/clock

go 1.21

require golang.org/x/sync v0.6.0
