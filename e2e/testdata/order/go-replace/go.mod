module example.org/app

go 1.21

require (
	example.org/clock v0.0.0
	golang.org/x/text v0.14.0
)

require golang.org/x/sync v0.6.0 // indirect

replace example.org/clock => ./clock
