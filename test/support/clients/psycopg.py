"""psycopg2: psycopg.py PORT USER TABLE

Prints what the catalogs tell of a table, and its rows, in the form that test/t/clients.pl compares.
"""

import datetime
import sys

import psycopg2

port, user, table = sys.argv[1:]
connection = psycopg2.connect(host="127.0.0.1", port=port, user=user, dbname="postgres")


def text(value):
    if value is None:
        return "null"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    return str(value)


with connection.cursor() as cursor:
    cursor.execute(
        """SELECT table_name, table_type, obj_description(format('%%I.%%I', table_schema, table_name)::regclass, 'pg_class')
           FROM information_schema.tables WHERE table_schema = 'public' AND table_name = %s""", (table,))
    for row in cursor:
        print("table", *row, sep="|")
    cursor.execute(
        """SELECT column_name, data_type, col_description(format('%%I.%%I', table_schema, table_name)::regclass, ordinal_position)
           FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position""", (table,))
    for row in cursor:
        print("column", *map(text, row), sep="|")

# in portions of two rows, by a cursor at the server
with connection.cursor("portions") as cursor:
    cursor.itersize = 2
    cursor.execute(f"SELECT * FROM {table} ORDER BY line")
    for number, row in enumerate(cursor):
        if number == 0:
            print("types", *(type(value).__name__ for value in row), sep="|")
        print("row", *map(text, row), sep="|")

with connection.cursor() as cursor:
    for dstport, sampled in ((443, True), (22, False)):
        start = datetime.datetime.fromtimestamp(1769775904, datetime.timezone.utc)
        cursor.execute(f"SELECT sum(packets) FROM {table} WHERE dstport = %s AND start >= %s AND sampled = %s", (dstport, start, sampled))
        print("prepared", text(cursor.fetchone()[0]), sep="|")
