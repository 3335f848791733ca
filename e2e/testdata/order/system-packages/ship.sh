#!/bin/sh
# Prints the ships of the day.
sqlite3 :memory: < ships.sql
