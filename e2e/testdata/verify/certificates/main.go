// Tides asks a service for its table when somebody wants it.
package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "tides") })
	http.HandleFunc("/table", func(w http.ResponseWriter, r *http.Request) {
		answer, err := http.Get("https://tides.example/table")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintln(w, answer.Status)
	})
	panic(http.ListenAndServe(":8080", nil))
}
