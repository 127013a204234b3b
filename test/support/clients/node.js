// node-postgres: node node.js PORT USER TABLE
//
// Prints what the catalogs tell of a table, and its rows, in the form that test/t/clients.pl compares.

'use strict';

const { Client } = require('pg');

function text(value) {
	return value instanceof Date ? value.toISOString() : String(value);
}

function print(...parts) {
	console.log(parts.join('|'));
}

async function main(port, user, table) {
	const client = new Client({ host: '127.0.0.1', port: Number(port), user, database: 'postgres' });

	await client.connect();
	let result = await client.query({
		text: `SELECT table_name, table_type, obj_description(format('%I.%I', table_schema, table_name)::regclass, 'pg_class')
			FROM information_schema.tables WHERE table_schema = 'public' AND table_name = $1`,
		values: [table],
		rowMode: 'array',
	});
	result.rows.forEach((row) => print('table', ...row));
	result = await client.query({
		text: `SELECT column_name, data_type, col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position)
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position`,
		values: [table],
		rowMode: 'array',
	});
	result.rows.forEach((row) => print('column', ...row.map(text)));

	result = await client.query({ text: `SELECT * FROM ${table} ORDER BY line`, rowMode: 'array' });
	print('types', ...result.rows[0].map((value) => (value === null ? 'null' : value.constructor.name)));
	result.rows.forEach((row) => print('row', ...row.map(text)));

	// a statement with a name is prepared at the server, which plans it without the values in the end
	for (let n = 0; n < 12; n++) {
		result = await client.query({
			name: 'prepared',
			text: `SELECT sum(packets) FROM ${table} WHERE dstport = $1 AND start >= $2 AND sampled = $3`,
			values: [n % 2 ? 22 : 443, new Date(1769775904000), n % 2 === 0],
			rowMode: 'array',
		});
		if (n >= 10) {
			print('prepared', text(result.rows[0][0]));
		}
	}
	await client.end();
}

main(...process.argv.slice(2)).catch((error) => {
	console.error(error.message);
	process.exit(1);
});
