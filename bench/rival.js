/*-------------------------------------------------------------------------
 *
 * rival.js
 *	  Runs the queries that bench/run gives it in DuckDB or in ClickHouse.
 *
 * node rival.js duckdb|clickhouse MODULES
 *
 * MODULES is a directory with a node_modules.  The first line written is the
 * engine's version.  Then each line read is a query: the number of threads, the
 * file to write the answer to, and the statement, with tabs between; for
 * ClickHouse it ends with SETTINGS, to which more are added.  What is
 * written for it is the milliseconds that the statement took, from handing it over until
 * the engine has its whole result, or "error" and the message.  Making text
 * of the result for the file is not counted.
 *
 *-------------------------------------------------------------------------
 */
'use strict';

const { createRequire } = require('module');
const fs = require('fs');
const readline = require('readline');

/* An engine makes { version, run }; run gives [milliseconds, () => text]. */
const engines = {
	async duckdb(load)
	{
		const { DuckDBInstance, version } = load('@duckdb/node-api');
		const instance = await DuckDBInstance.create(':memory:');
		const connection = await instance.connect();

		/* what read_csv gives has no order that a log would need kept */
		await connection.run('SET preserve_insertion_order = false');
		return {
			version: version(),
			async run(threads, sql)
			{
				await connection.run(`SET threads = ${threads}`);
				const started = performance.now();
				const result = await connection.run(sql);
				const elapsed = performance.now() - started;

				return [elapsed, async () => (await result.getRows()).map((row) => row.join('|') + '\n').join('')];
			}
		};
	},

	async clickhouse(load)
	{
		const { query } = load('chdb');

		return {
			version: query('SELECT version()', 'TSV').trim(),
			async run(threads, sql)
			{
				/* the number of records of a file is kept from one query to the next, unless that is forbidden */
				const settings = `max_threads = ${threads}, use_cache_for_count_from_files = 0, ` +
					`format_regexp_escaping_rule = 'Raw', format_tsv_null_representation = '-'`;
				const started = performance.now();
				const result = query(`${sql}, ${settings}`, 'TSV');
				const elapsed = performance.now() - started;

				return [elapsed, async () => result.replaceAll('\t', '|')];
			}
		};
	}
};

async function main([name, modules])
{
	const engine = await engines[name](createRequire(modules + '/'));

	console.log(engine.version);
	for await (const line of readline.createInterface({ input: process.stdin }))
	{
		const [threads, file, sql] = line.split('\t');

		try
		{
			const [elapsed, text] = await engine.run(threads, sql);

			if (file !== '/dev/null')
				fs.writeFileSync(file, await text());
			console.log(elapsed.toFixed(3));
		}
		catch (error)
		{
			console.log('error ' + error.message.replaceAll('\n', ' '));
		}
	}
}

main(process.argv.slice(2));
