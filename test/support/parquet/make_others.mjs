#!/usr/bin/env node
//
// make_others.mjs DIR [ROWS]   has other writers make Parquet files of one table: DuckDB, hyparquet-writer and
//                              parquet-wasm (parquet-rs), in the codecs and versions that they know
//
// It needs their packages, in node_modules of the current directory, by npm install with the package.json that lies
// beside this file.
//
// Row r of the table is known to test/unit/test_parquet_writers.c (append_other) and test/t/parquet.pl.

import { createRequire } from 'module';
import { mkdirSync, writeFileSync } from 'fs';
import { join, resolve } from 'path';
import { pathToFileURL } from 'url';

const ROWS = Number(process.argv[3] ?? 250);
const require = createRequire(join(process.cwd(), 'package.json'));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const directory = resolve(process.argv[2]);

const rows = Array.from({ length: ROWS }, (_, r) => r);
const table = {
	number: rows.map((r) => BigInt(r) * 1000000007n - 5000000000n),
	port: rows.map((r) => (r % 5 === 3 ? null : (r * 7) % 13)),
	action: rows.map((r) => (r % 11 === 4 ? null : r % 3 === 0 ? 'REJECT' : 'ACCEPT')),
	address: rows.map((r) => `10.0.${r % 4}.${r}`),
	ratio: rows.map((r) => (r % 17 === 2 ? null : r / 8)),
	flag: rows.map((r) => (r % 7 === 1 ? null : r % 2 === 0)),
	time: rows.map((r) => 1704067200000 + r * 1001),
};

async function duckdb() {
	const { DuckDBInstance } = await load('@duckdb/node-api');
	const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
	const quote = (v, type) => (v === null ? 'NULL' : type === 'VARCHAR' ? `'${v}'` : `${v}`);
	const values = rows.map((r) => `(${quote(table.number[r])}, ${quote(table.port[r])}, ${quote(table.action[r], 'VARCHAR')}, '${table.address[r]}', ` +
		`${quote(table.ratio[r])}, ${quote(table.flag[r])}, ${table.time[r]})`);

	await connection.run(`CREATE TABLE t AS SELECT number::BIGINT AS number, port::INTEGER AS port, action::VARCHAR AS action,
		address::VARCHAR AS address, ratio::DOUBLE AS ratio, flag::BOOLEAN AS flag, make_timestamp_ms(time) AS time
		FROM (VALUES ${values.join(', ')}) AS v(number, port, action, address, ratio, flag, time)`);
	for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw'])
		for (const version of ['V1', 'V2'])
			if (version === 'V1' || codec === 'gzip')
				await connection.run(`COPY t TO '${directory}/duckdb_${codec}_${version.toLowerCase()}.parquet'
					(FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE 2048)`);
}

async function hyparquet() {
	const { parquetWriteBuffer } = await load('hyparquet-writer');
	const dates = table.time.map((t) => new Date(t));
	const encodings = [{}, { number: 'DELTA_BINARY_PACKED', port: 'DELTA_BINARY_PACKED', action: 'DELTA_LENGTH_BYTE_ARRAY',
		address: 'DELTA_BYTE_ARRAY', ratio: 'BYTE_STREAM_SPLIT', flag: 'RLE' }];

	for (const [i, encoding] of encodings.entries())
		for (const codec of ['UNCOMPRESSED', 'SNAPPY']) {
			const column = (name, type, data = table[name]) => ({ name, type, data, encoding: encoding[name], columnIndex: true,
				bloomFilter: name === 'address' });
			const buffer = parquetWriteBuffer({ codec, rowGroupSize: 100, pageSize: 300, columnData: [column('number', 'INT64'), column('port', 'INT32'),
				column('action', 'STRING'), column('address', 'STRING'), column('ratio', 'DOUBLE'), column('flag', 'BOOLEAN'),
				column('time', 'TIMESTAMP', dates)] });
			writeFileSync(join(directory, `hyparquet_${codec.toLowerCase()}${i ? '_delta' : ''}.parquet`), Buffer.from(buffer));
		}
}

async function rust() {
	const wasm = require('parquet-wasm/node');
	const arrow = await load('apache-arrow');
	const column = (data, type) => arrow.vectorFromArray(data, type);
	const made = new arrow.Table({ number: column(table.number, new arrow.Int64()), port: column(table.port, new arrow.Int32()),
		action: column(table.action, new arrow.Utf8()), address: column(table.address, new arrow.Utf8()),
		ratio: column(table.ratio, new arrow.Float64()), flag: column(table.flag, new arrow.Bool()),
		time: column(table.time.map((t) => new Date(t)), new arrow.TimestampMillisecond('UTC')) });

	for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD', 'LZ4_RAW'])
		for (const version of ['V1', 'V2']) {
			if (version === 'V2' && !['UNCOMPRESSED', 'GZIP', 'SNAPPY'].includes(codec))
				continue;
			const properties = new wasm.WriterPropertiesBuilder().setCompression(wasm.Compression[codec])
				.setWriterVersion(wasm.WriterVersion[version]).setDataPageSizeLimit(400).setWriteBatchSize(50)
				.setDictionaryEnabled(version === 'V1').build();
			const bytes = wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(made, 'stream')), properties);
			writeFileSync(join(directory, `rust_${codec.toLowerCase()}_${version.toLowerCase()}.parquet`), bytes);
		}
}

mkdirSync(directory, { recursive: true });
await duckdb();
await hyparquet();
await rust();
