module example.org/greet

go 1.21

require example.org/greeting v0.0.0

require golang.org/x/text v0.14.0 // indirect

replace example.org/greeting => ../../greeting
