# report.awk
#	  Makes the tables of bench/RESULTS.md.
#
# awk -f report.awk -v part=summary MEMORY TIMES
# awk -f report.awk -v avx512=0|1 -v bytes=N -v hash_mem=MIB MEMORY TIMES
#
# The first makes the table at the top, the second all others.
#
# MEMORY has lines "set query kB-before kB-after", TIMES lines "set query table
# processes tool milliseconds".  "bytes" is the size of the plain files.

FILENAME == ARGV[1] && FNR == 1 { in_memory = 1 }
FILENAME == ARGV[2] && FNR == 1 { in_memory = 0 }

in_memory {
	if (NF != 4)
		next
	grown = ($4 - $3) / 1024
	kind = $2 == "busiest" ? "groups" : "rows"
	if (!(kind in memory) || grown > memory[kind])
	{
		memory[kind] = grown
		memory_at[kind] = $2 " on " $1
	}
	next
}

{
	key = $1 " " $2 " " $3 " " $4
	if (!(key in seen))
	{
		seen[key] = 1
		rows[++nrows] = key
	}
	if (!(($1, $5) in tool_seen))
	{
		tool_seen[$1, $5] = 1
		tools[$1] = tools[$1] " " $5
	}
	if (!($1 in set_seen))
	{
		set_seen[$1] = 1
		sets[++nsets] = $1
	}
	count[key, $5]++
	time[key, $5, count[key, $5]] = $6
}

END {
	if (part == "summary")
	{
		put_summary()
		exit
	}
	put_goals()
	put_tables()
}

# the median of a tool's times, 0 if there are none
function median(key, tool,    n, i, j, t, sorted)
{
	n = count[key, tool]
	for (i = 1; i <= n; i++)
	{
		t = time[key, tool, i]
		for (j = i; j > 1 && sorted[j - 1] > t; j--)
			sorted[j] = sorted[j - 1]
		sorted[j] = t
	}
	if (n == 0)
		return 0
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

# ---------- the summary ----------

# a time in seconds, or nothing
function seconds(key, tool,    t)
{
	t = median(key, tool)
	return t > 0 ? sprintf("%.2f", t / 1000) : ""
}

# questions for which another tool takes less time than ours
function put_slower(    set, tool, s, i, j, n, key, theirs, ours, found)
{
	split("plain gzip", set, " ")
	n = split("heap duckdb clickhouse", tool, " ")
	for (s = 1; s <= 2; s++)
		for (i = 1; i <= nrows; i++)
			for (j = 1; j <= n; j++)
			{
				key = rows[i]
				if (key !~ "^" set[s] " [a-z_]+ text 2$")
					continue
				theirs = median(key, tool[j])
				ours = median(key, "flowlog_fdw")
				if (theirs > 0 && ours > theirs)
					found = found (found == "" ? "" : ", ") sprintf("%s of `%s` over %s files (%.2f s, %.2f s)",
						tool[j], substr(key, length(set[s]) + 2, length(key) - length(set[s]) - 8), set[s], theirs / 1000, ours / 1000)
			}
	if (found != "")
		printf "\nFaster than flowlog_fdw: %s.\n", found
}

# what a reader wants to know first
function put_summary(    q, name, title, key, gzip)
{
	split("count rejected busiest hour", name, " ")
	title["count"] = "How many records are there?"
	title["rejected"] = "How many rejected TCP connections?"
	title["busiest"] = "Which ten HTTPS destinations have most packets?"
	title["hour"] = "What happened in one hour?"
	print "| seconds, two processes | flowlog_fdw | PostgreSQL table, loaded before | DuckDB | ClickHouse | flowlog_fdw, gzip | DuckDB, gzip | ClickHouse, gzip |"
	print "|---|--:|--:|--:|--:|--:|--:|--:|"
	for (q = 1; q <= 4; q++)
	{
		key = "plain " name[q] " text 2"
		gzip = "gzip " name[q] " text 2"
		printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", title[name[q]], seconds(key, "flowlog_fdw"), seconds(key, "heap"),
			seconds(key, "duckdb"), seconds(key, "clickhouse"), seconds(gzip, "flowlog_fdw"), seconds(gzip, "duckdb"), seconds(gzip, "clickhouse")
	}
	put_slower()
}

# ---------- goals ----------

# Takes one ratio into the row that is being made.  "least": it must be at least, else at most, "goal".
function take(label, ratio, goal, least)
{
	cell = cell (cell == "" ? "" : ", ") sprintf("%s %.2f", label, ratio)
	if (least ? ratio < goal : ratio > goal)
		met = 0
}

function begin_row()
{
	cell = ""
	met = 1
}

function end_row(against, goal)
{
	if (cell == "")
		printf "| %s | %s | not measured | |\n", against, goal
	else
		printf "| %s | %s | %s | %s |\n", against, goal, cell, met ? "met" : "**missed**"
}

# how many times slower than ours a tool is; or, with "inverse", how long ours takes in its time
function compare(set, tool, names, processes, goal, inverse,    i, j, n, m, name, p, key, theirs, ours)
{
	n = split(names, name, " ")
	m = split(processes, p, " ")
	for (i = 1; i <= n; i++)
		for (j = 1; j <= m; j++)
		{
			key = set " " name[i] " text " p[j]
			theirs = median(key, tool)
			ours = median(key, "flowlog_fdw")
			if (theirs > 0 && ours > 0)
				take(name[i] "/" p[j], inverse ? ours / theirs : theirs / ours, goal, !inverse)
		}
}

function goal_duckdb(set, goal)
{
	begin_row()
	compare(set, "duckdb", "count rejected rejected_rows busiest", "1 2", goal, 0)
	end_row("DuckDB, " set, "at least " goal "x")
}

function goal_clickhouse(set, goal)
{
	begin_row()
	compare(set, "clickhouse", "count rejected busiest", "2", goal, 0)
	end_row("ClickHouse, " set, "at least " goal "x")
}

function goal_scan(set)
{
	begin_row()
	compare(set, "scan", "count rejected busiest", "1 2", 1.10, 1)
	end_row("bench/scan, " set, "at most 1.10 of its time")
}

function goal_inflate(    p, theirs, ours, i, name)
{
	begin_row()
	split("count rejected busiest", name, " ")
	for (i = 1; i <= 3; i++)
		for (p = 1; p <= 2; p++)
		{
			theirs = median("gzip count text " p, "inflate")
			ours = median("gzip " name[i] " text " p, "flowlog_fdw")
			if (theirs > 0 && ours > 0)
				take(name[i] "/" p, ours / theirs, 1.5, 0)
		}
	end_row("bare ISA-L, gzip", "at most 1.5 of its time")
}

function goal_processes(set,    i, name, one, two)
{
	begin_row()
	split("count rejected busiest", name, " ")
	for (i = 1; i <= 3; i++)
	{
		one = median(set " " name[i] " text 1", "flowlog_fdw")
		two = median(set " " name[i] " text 2", "flowlog_fdw")
		if (one > 0 && two > 0)
			take(name[i], one / two, 1.8, 1)
	}
	end_row("1 process, " set, "2 at least 1.8x")
}

function put_goals(    core)
{
	print "\n## Goals\n"
	print "Documented (text) table. After each question stands the number of processes, and then how many times"
	print "faster flowlog_fdw is, or its share of the other's time.\n"
	print "| against | goal | measured | |"
	print "|---|---|---|---|"
	goal_duckdb("plain", avx512 ? 12 : 8)
	goal_duckdb("gzip", 5)
	goal_clickhouse("plain", 40)
	goal_clickhouse("gzip", 15)

	begin_row()
	compare("plain", "file_fdw", "count rejected busiest", "1", 20, 0)
	end_row("file_fdw, plain", "at least 20x")

	begin_row()
	compare("plain", "heap", "rejected", "1 2", 0.30, 1)
	compare("plain", "heap", "busiest", "1 2", 0.35, 1)
	compare("plain", "heap", "count", "1 2", 0.70, 1)
	end_row("heap table", "at most 0.30, 0.35, 0.70 of its time")

	goal_scan("plain")
	goal_scan("gzip")
	goal_inflate()

	begin_row()
	compare("tiny", "cat", "count", "1", 2, 1)
	end_row("`cat` of the tiny files", "at most 2 of its time")

	begin_row()
	compare("header", "regex", "count rejected busiest", "1 2", 1.05, 1)
	end_row("the same files by a regular expression", "by header at most 1.05 of its time")

	begin_row()
	core = median("plain rejected text 1", "scan")
	if (core > 0)
		take("rejected, GB/s", bytes / core / 1e6, 3, 1)
	end_row("the core alone, a process", "at least 3 GB/s")
	goal_processes("plain")
	goal_processes("gzip")

	begin_row()
	if ("rows" in memory)
		take(memory_at["rows"] ", MiB", memory["rows"], 16, 0)
	if ("groups" in memory)
		take(memory_at["groups"] ", MiB", memory["groups"], 16 + hash_mem, 0)
	end_row("memory above that of an idle process", "at most 16 MiB, with groups 16 and hash_mem (" hash_mem " MiB)")
}

# ---------- tables ----------

function put_tables(    s, i, t, n, tool, field)
{
	for (s = 1; s <= nsets; s++)
	{
		n = split(tools[sets[s]], tool, " ")
		printf "\n## %s\n\nMilliseconds, and how many times as long as flowlog_fdw.\n\n| question | table | processes |", title(sets[s])
		for (t = 1; t <= n; t++)
			printf " %s |", tool[t]
		printf "\n|---|---|---|"
		for (t = 1; t <= n; t++)
			printf "--:|"
		print ""
		for (i = 1; i <= nrows; i++)
		{
			split(rows[i], field, " ")
			if (field[1] == sets[s])
				put_row(rows[i], field, tool, n)
		}
	}
}

function put_row(key, field, tool, n,    t, ms, ours)
{
	printf "| %s | %s | %s |", field[2], field[3], field[4]
	ours = median(key, "flowlog_fdw")
	for (t = 1; t <= n; t++)
	{
		ms = median(key, tool[t])
		if (ms == 0)
			printf " |"
		else if (tool[t] == "flowlog_fdw" || ours == 0)
			printf " %.0f |", ms
		else
			printf " %.0f (%.2f) |", ms, ms / ours
	}
	print ""
}

function title(set)
{
	if (set == "plain")
		return "8 plain files"
	if (set == "gzip")
		return "8 gzip files"
	if (set == "one")
		return "One large file"
	if (set == "thousand")
		return "Many files: the same lines cut small"
	if (set == "header")
		return "8 plain files with a header each"
	return "Tiny files of 2 KB"
}
