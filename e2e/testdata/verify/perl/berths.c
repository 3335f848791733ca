/* Prints the free berths as JSON, out of a database in memory. */
#include <sqlite3.h>
#include <stdio.h>

static int row(void *first, int n, char **values, char **names) {
    (void)n; (void)names;
    printf("%s{\"berth\":\"%s\",\"metres\":%s}", *(int *)first ? "" : ",", values[0], values[1]);
    *(int *)first = 0;
    return 0;
}

int main(void) {
    sqlite3 *db;
    int first = 1;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
    printf("[");
    int rc = sqlite3_exec(db, "create table b(name, metres); insert into b values('north', 120), ('south', 90); select * from b", row, &first, NULL);
    printf("]\n");
    return rc != SQLITE_OK;
}
