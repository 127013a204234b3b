"""ODBC: odbc.py DRIVER PORT USER TABLE

Prints what the driver's catalog functions tell of a table, and its rows, in the form that test/t/clients.pl compares.
"""

import datetime
import sys

import pyodbc

driver, port, user, table = sys.argv[1:]
# rows in portions of two, by a cursor at the server; booleans as what they are
connection = pyodbc.connect(f"Driver={driver};Server=127.0.0.1;Port={port};Uid={user};Database=postgres;UseDeclareFetch=1;Fetch=2;BoolsAsChar=0")
cursor = connection.cursor()


def text(value):
    if value is None:
        return "null"
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)


for row in cursor.tables(table=table, schema="public").fetchall():
    print("table", row.table_name, row.table_type, text(row.remarks), sep="|")
for row in cursor.columns(table=table, schema="public").fetchall():
    print("column", row.column_name, row.type_name, text(row.remarks), sep="|")

# the driver has none to tell
cursor.execute(
    """SELECT coalesce(attname, ''), description FROM pg_description
       LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND attnum > 0
       WHERE classoid = 'pg_class'::regclass AND objoid = to_regclass(?) ORDER BY objsubid""", table)
for row in cursor.fetchall():
    print("comment", *row, sep="|")

# ODBC's times have no zone: the session's
cursor.execute("SET TimeZone = 'UTC'")
cursor.execute(f"SELECT * FROM {table} ORDER BY line")
for number, row in enumerate(cursor):
    if number == 0:
        print("types", *(type(value).__name__ for value in row), sep="|")
    print("row", *map(text, row), sep="|")

for dstport, sampled in ((443, True), (22, False)):
    start = datetime.datetime(2026, 1, 30, 12, 25, 4)
    cursor.execute(f"SELECT sum(packets) FROM {table} WHERE dstport = ? AND start >= ? AND sampled = ?", dstport, start, sampled)
    print("prepared", text(cursor.fetchone()[0]), sep="|")
