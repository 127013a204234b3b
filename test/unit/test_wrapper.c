/*-------------------------------------------------------------------------
 *
 * test_wrapper.c
 *	  Tests the formats in which records are wrapped.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/source.h"
#include "model_json.h"

#include "model_reader.h"

#define WHOLE ((size_t) 1 << 20)

static char path[128];

static const size_t sizes[] = {1, 2, 3, 7, 64, WHOLE};

/*
 * Checks that these lines come out with pieces of any sizes.  A "|" stands for
 * each NUL byte.
 */
static void
check_lines(const FlowCodec *codec, const char *text, const char *lines)
{
	for (size_t i = 0; i < flow_countof(sizes); i++)
		for (size_t j = 0; j < flow_countof(sizes); j++)
		{
			ModelText made = model_unwrap(codec, text, strlen(text), sizes[i], sizes[j]);

			CHECK_INT(made.status, FLOW_END);
			for (size_t k = 0; k < made.len; k++)
				if (made.data[k] == '\0')
					made.data[k] = '|';
			made.data[made.len] = '\0';
			CHECK_STRING(made.data, lines);
			free(made.data);
		}
	CHECK_INT(unit_state.outstanding, 0);
}

/*
 * The same of JSON whose records may have a member for each field.  A "~" stands
 * for each byte 1, "\t" for each tab.
 */
static void
check_keys(const char *text, const char *lines)
{
	FlowKeys *keys = model_json_keys();
	const FlowUnwrap unwrap = {.max_line_length = 1000, .keys = keys};

	for (size_t i = 0; i < flow_countof(sizes); i++)
		for (size_t j = 0; j < flow_countof(sizes); j++)
		{
			ModelText made =
				model_unwrap_as(&flow_json_codec, text, strlen(text), sizes[i], sizes[j], &unwrap);

			CHECK_INT(made.status, FLOW_END);
			for (size_t k = 0; k < made.len; k++)
				if ((unsigned char) made.data[k] <= 1)
					made.data[k] = "|~"[(unsigned char) made.data[k]];
			made.data[made.len] = '\0';
			CHECK_STRING(made.data, lines);
			free(made.data);
		}
	flow_keys_free(&unit_host, keys);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
check_error(const FlowCodec *codec, const char *text, FlowStatus status, const char *message,
            const char *detail)
{
	for (size_t i = 0; i < flow_countof(sizes); i++)
	{
		ModelText made =
			model_unwrap(codec, text, strlen(text), sizes[i], sizes[flow_countof(sizes) - 1 - i]);

		CHECK_INT(made.status, status);
		CHECK_STRING(made.error.message, message);
		CHECK_STRING(made.error.detail, detail);
		free(made.data);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_takes_events_out_of_payloads(void)
{
	ModelText made;

	check_lines(&flow_json_codec,
	            "{\"logEvents\":[{\"timestamp\":1,\"message\":\"a "
	            "b\"},{\"timestamp\":2,\"message\":\"c\"}]}",
	            "1 a b\n2 c\n");
	check_lines(&flow_json_codec,
	            "{\"logEvents\":[{\"timestamp\":1,\"message\":\"a\"}]}{\"logEvents\":[{"
	            "\"timestamp\":2,\"message\":\"b\"}]}\n",
	            "1 a\n2 b\n");
	check_lines(&flow_json_codec,
	            " [ {\"timestamp\":1,\"message\":\"a\"} ,\n{\"message\":\"b\"}] ",
	            "1 a\n- b\n");
	check_lines(&flow_json_codec,
	            "{\"events\":[{\"timestamp\":1418530010000,\"message\":\"a\"}],\"x\":[]}",
	            "1418530010000 a\n");
	check_lines(&flow_json_codec, "{\"logEvents\":[]}", "");
	check_lines(&flow_json_codec,
	            "{\"timestamp\":\"2018-01-30T12:25:04Z\",\"message\":\"a\\\"}{\"}",
	            "2018-01-30T12:25:04Z a\"}{\n");
	check_lines(&flow_json_codec, "[]{\"message\":\"a\"}[{\"message\":\"b\"}]", "- a\n- b\n");
	check_lines(&flow_json_codec,
	            "{\"messageType\":\"CONTROL_MESSAGE\",\"logEvents\":[{\"message\":\"a\"}]}{"
	            "\"message\":\"b\"}",
	            "- b\n");

	made =
		model_unwrap(&flow_json_codec,
	                 "{\"messageType\":\"CONTROL_MESSAGE\"} {\"messageType\":\"CONTROL_MESSAGE\"}",
	                 67,
	                 WHOLE,
	                 WHOLE);
	CHECK_INT(made.skipped, 2);
	free(made.data);
}

static void
an_event_is_one_line_and_one_that_is_no_record_stays_none(void)
{
	check_lines(&flow_json_codec,
	            "{\"timestamp\":1,\"message\":\"a\\n\"}{\"timestamp\":1,\"message\":\"a\\r\\n\"}",
	            "1 a\n1 a\n");
	check_lines(&flow_json_codec, "{\"timestamp\":1,\"message\":\"a\\nb\\n\\n\"}", "1 a|b|\n");
	check_lines(&flow_json_codec, "{\"timestamp\":1,\"message\":\"a\\u0000b\"}", "1 a|b\n");
	check_lines(&flow_json_codec, "{\"timestamp\":1,\"message\":\"\"}", "1 \n");
	check_lines(&flow_json_codec,
	            "{\"timestamp\":\"1 "
	            "2\",\"message\":\"a\"}{\"timestamp\":1.5,\"message\":\"a\"}{\"timestamp\":\"\","
	            "\"message\":\"a\"}",
	            "1_2 a\n1970-01-01T00:00:01.5Z a\n\"\" a\n");
	check_lines(&flow_json_codec,
	            "{\"x\":1}{\"logEvents\":[7,{\"message\":null}]}",
	            "|{\"x\":1}\n|7\n|{\"message\":null}\n");
	check_lines(&flow_json_codec, "{\"logEvents\":{\"message\":\"a\"},\"message\":\"b\"}", "- b\n");
	check_lines(
		&flow_json_codec,
		"{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
		"|{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}\n");
}

static void
a_message_has_many_names_and_the_first_is_taken(void)
{
	check_lines(&flow_json_codec,
	            "{\"date\":1.5,\"log\":\"a b\"}{\"time\":2,\"event\":\"c d\"}"
	            "{\"line\":\"e f\",\"timestamp\":3}{\"_raw\":\"g h\",\"_time\":4}"
	            "{\"@timestamp\":5,\"@message\":\"i j\"}",
	            "1970-01-01T00:00:01.5Z a b\n2 c d\n3 e f\n4 g h\n5 i j\n");
	check_lines(
		&flow_json_codec,
		"{\"log\":\"a\",\"message\":\"b\",\"event\":{\"original\":\"c\"},\"original\":\"d\"}"
		"{\"message\":\"\",\"log\":\"e\"}{\"time\":1,\"timestamp\":null,\"log\":\"f\"}",
		"- c\n- e\n1 f\n");
	check_lines(&flow_json_codec,
	            "{\"short_message\":\"a\",\"full_message\":\"a b\",\"timestamp\":1}"
	            "{\"textPayload\":\"c\"}{\"raw\":\"d\"}{\"raw_data\":\"e\",\"time\":2}"
	            "{\"MESSAGE\":\"f\"}{\"Timestamp\":3,\"Message\":\"g\"}{\"body\":\"h\"}"
	            "{\"id\":1,\"attributes\":{\"message\":\"i\"}}{\"detail\":{\"message\":\"j\"}}",
	            "1 a b\n- c\n- d\n2 e\n- f\n3 g\n- h\n- i\n- j\n");
	check_lines(&flow_json_codec,
	            "{\"Messages\":[{\"Body\":\"a\"},{\"Body\":\"b\"}]}",
	            "- a\n- b\n");
	check_lines(
		&flow_json_codec,
		"{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"x\"}]},\"scopeLogs\":[{"
		"\"logRecords\":[{\"timeUnixNano\":\"1672912800000000001\",\"body\":{"
		"\"stringValue\":\"a b\"}},{\"body\":{\"stringValue\":\"c\"}}]}]}]}",
		"2023-01-05T10:00:00.000000001Z a b\n- c\n");
	check_lines(&flow_json_codec,
	            "{\"_source\":{\"event\":{\"original\":\"a\"},\"@timestamp\":1},\"message\":\"b\"}"
	            "{\"hits\":{\"hits\":[{\"_source\":{\"message\":\"c\"}},{}]}}",
	            "1 a\n- c\n|{}\n");
	check_lines(
		&flow_json_codec,
		"{\"data\":{\"result\":[{\"stream\":{},\"values\":[[\"1672912800000000001\",\"a b\",{}],"
		"[\"1\",\"c\"]]}]}}",
		"2023-01-05T10:00:00.000000001Z a b\n1 c\n");
	check_lines(&flow_json_codec,
	            "{\"results\":[[{\"field\":\"@timestamp\",\"value\":\"2023-01-05 10:00:00.000\"},"
	            "{\"field\":\"@message\",\"value\":\"a b\"}],[]]}",
	            "2023-01-05T10:00:00.000 a b\n|[]\n");
	/* other arrays have no events */
	check_lines(&flow_json_codec,
	            "{\"x\":[{\"message\":\"a\"}],\"values\":[1,2],\"message\":\"b\"}",
	            "- b\n");
	check_error(&flow_json_codec,
	            "{\"records\":[{\"message\":\"a\"}],\"message\":\"b\"}",
	            FLOW_UNSUPPORTED,
	            "has JSON that cannot be read as events",
	            "A record stands beside an array of records at byte 43 in value 1 of the file.");
}

static void
a_message_may_have_more_in_it(void)
{
	check_lines(
		&flow_json_codec,
		"{\"timestamp\":7,\"message\":\" {\\\"message\\\":\\\"a b\\\"}\\n\"}"
		"{\"log\":\"{\\\"events\\\":[{\\\"timestamp\\\":1,\\\"message\\\":\\\"c\\\"},{}]}\"}"
		"{\"message\":\"{c}\"}{\"message\":\"{} {\"}",
		"7 a b\n1 c\n|{}\n- {c}\n- {} {\n");
	/* lines, JSON, gzip data of JSON; and what is none of these */
	check_lines(&flow_json_codec, "{\"time\":1,\"data\":\"YSBiCg0KYyBk\"}", "1 a b\n1 c d\n");
	check_lines(&flow_json_codec,
	            "{\"records\":[{\"data\":\"eyJtZXNzYWdlIjoicCBxIn0KeyJsb2ciOiJyIn0=\"},{\"data\":"
	            "\"YQ==\"}]}",
	            "- p q\n- r\n- a\n");
	check_lines(&flow_json_codec,
	            "{\"Records\":[{\"kinesis\":{\"data\":"
	            "\"H4sIAAAAAAACA6tWyk0tLk5MTw2pLEhVslJycQxxjPd1DQ52dHdV0lHKyU93LUvNKylWsoquVirJBCou"
	            "ScwtULIy1IFpBGpKV8hQqtWpRhLJVKqNrQUAYMWYOVwAAAA=\"}}]}",
	            "1 g h\n- i\n");
	check_lines(&flow_json_codec,
	            "{\"data\":\"YSB\"}{\"data\":\"AAAA\"}{\"data\":\"\"}{\"data\":1}",
	            "|{\"data\":\"YSB\"}\n|{\"data\":\"AAAA\"}\n|{\"data\":\"\"}\n|{\"data\":1}\n");
	/* the events of a control message wait, too */
	check_lines(&flow_json_codec,
	            "{\"logEvents\":[{\"message\":\"{\\\"log\\\":\\\"a\\\"}\"}],\"messageType\":"
	            "\"CONTROL_MESSAGE\"}"
	            "{\"logEvents\":[{\"message\":\"{\\\"log\\\":\\\"b\\\"}\"},{\"message\":\"c\"}]}",
	            "- b\n- c\n");
	check_error(&flow_json_codec,
	            "{\"data\":\"H4sIAAAAAAACA6tWyk0tLg==\"}",
	            FLOW_CORRUPT,
	            "has damaged data in its JSON",
	            "The gzip data are not whole in the text of the event that ends at byte 35 in "
	            "value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"message\":\"{\\\"message\\\":1,\\\"message\\\":2}\"}",
	            FLOW_CORRUPT,
	            "is not well-formed JSON",
	            "Member \"message\" is repeated at byte 22 in value 1 of the text of the event "
	            "that ends at byte 43 in "
	            "value 1 of the file.");
}

static void
a_record_may_have_a_member_for_each_field(void)
{
	/* columns: ts, srcaddr, dstaddr without a text for NULL, bytes '', log_status 'none', own */
	check_keys("{\"srcaddr\":\"a\",\"dstaddr\":\"b\",\"bytes\":1.0,\"log-status\":\"OK\"}",
	           "|=\n{\"srcaddr\":\"a\",\"dstaddr\":\"b\",\"bytes\":1.0,\"log-status\":\"OK\"}"
	           "\t-\ta\tb\t1\tOK\t-\n");
	check_keys("{\"timestamp\":7,\"srcAddr\":null,\"interface_id\":\"a b\",\"OWN\":\"\"}\n"
	           "{\"message\":\"a b\"}{\"message\":\"c d\",\"srcaddr\":\"a\",\"packets\":1}"
	           "{\"message\":\"c\",\"srcaddr\":\"a\",\"packets\":true}",
	           "|=\n{\"timestamp\":7,\"srcAddr\":null,\"interface_id\":\"a b\",\"OWN\":\"\"}"
	           "\t7\t-\t~\t\tnone\t\n"
	           "|-\n- a b\n- c d\n"
	           "|=\n{\"message\":\"c\",\"srcaddr\":\"a\",\"packets\":true}\t-\ta\t~\t\tnone\t-\n");
	/* too little for a record */
	check_keys("{\"srcaddr\":\"a\"}{\"version\":1,\"action\":2,\"region\":3}"
	           "{\"srcaddr\":1,\"bytes\":2,\"x\":3}{\"srcaddr\":1,\"dstaddr\":2,\"bytes\":3,\"x\":"
	           "4,\"y\":5,\"z\":6,\"w\":7}",
	           "|{\"srcaddr\":\"a\"}\n|{\"version\":1,\"action\":2,\"region\":3}\n"
	           "|{\"srcaddr\":1,\"bytes\":2,\"x\":3}\n"
	           "|{\"srcaddr\":1,\"dstaddr\":2,\"bytes\":3,\"x\":4,\"y\":5,\"z\":6,\"w\":7}\n");
	/* other logs have the names of other tools, too */
	check_keys("{\"src_ip\":1,\"dest_ip\":2,\"proto\":3,\"flow_id\":4,\"event_type\":5}"
	           "{\"interface\":\"eth0\",\"protocol\":6,\"byteCount\":7}",
	           "|{\"src_ip\":1,\"dest_ip\":2,\"proto\":3,\"flow_id\":4,\"event_type\":5}\n"
	           "|{\"interface\":\"eth0\",\"protocol\":6,\"byteCount\":7}\n");
	check_keys(
		"{\"srcIp\":\"a\",\"dest_ip\":\"b\",\"byteCount\":3,\"x\":4}",
		"|=\n{\"srcIp\":\"a\",\"dest_ip\":\"b\",\"byteCount\":3,\"x\":4}\t-\ta\tb\t3\tnone\t-\n");
	check_keys("{\"src_ip\":1,\"dest_ip\":2,\"srcaddr\":3,\"dstaddr\":4,\"proto\":5,\"end\":6,"
	           "\"x\":7,\"y\":8}",
	           "|=\n{\"src_ip\":1,\"dest_ip\":2,\"srcaddr\":3,\"dstaddr\":4,\"proto\":5,\"end\":6,"
	           "\"x\":7,\"y\":8}\t-\t3\t4\t\tnone\t-\n");
	/* a field's own name is preferred to an alias */
	check_keys(
		"{\"sourceAddress\":\"a\",\"srcaddr\":\"b\",\"numbytes\":1,\"end\":2,\"endTime\":{}}",
		"|=\n{\"sourceAddress\":\"a\",\"srcaddr\":\"b\",\"numbytes\":1,\"end\":2,\"endTime\":{}}"
		"\t-\tb\t~\t1\tnone\t-\n");
	check_keys("{\"srcaddr\":\"a\",\"sourceAddress\":\"b\",\"end\":2}",
	           "|=\n{\"srcaddr\":\"a\",\"sourceAddress\":\"b\",\"end\":2}\t-\ta\t~\t\tnone\t-\n");
	/* and an alias to those after it, which are no repetition of it */
	check_keys("{\"src_ip\":\"a\",\"sourceAddress\":\"b\",\"source_ip\":\"c\",\"end\":2}",
	           "|=\n{\"src_ip\":\"a\",\"sourceAddress\":\"b\",\"source_ip\":\"c\",\"end\":2}"
	           "\t-\ta\t~\t\tnone\t-\n");
	check_keys("{\"eni\":\"a\",\"interface\":\"b\",\"message\":\"c d\"}", "- c d\n");
	/* no value */
	check_keys("{\"srcaddr\":{},\"bytes\":2}", "|=\n|~{\"srcaddr\":{},\"bytes\":2}\n");
	/* in an array, a row, a part of the event, a text */
	check_keys("{\"x\":[{\"srcaddr\":\"a\",\"end\":1},{}]}",
	           "|=\n{\"srcaddr\":\"a\",\"end\":1}\t-\ta\t~\t\tnone\t-\n|{}\n");
	check_keys("[[{\"field\":\"srcAddr\",\"value\":\"a\"},{\"field\":\"bytes\",\"value\":\"1\"},{"
	           "\"field\":\"own\"}]]",
	           "|=\n[{\"field\":\"srcAddr\",\"value\":\"a\"},{\"field\":\"bytes\",\"value\":\"1\"},"
	           "{\"field\":\"own\"}]"
	           "\t-\ta\t~\t1\tnone\t-\n");
	check_keys("{\"bytes\":9,\"time\":1,\"event\":{\"srcaddr\":\"a\",\"end\":1}}",
	           "|=\n{\"bytes\":9,\"time\":1,\"event\":{\"srcaddr\":\"a\",\"end\":1}}\t1\ta\t~"
	           "\t\tnone\t-\n");
	check_keys("{\"time\":1,\"message\":\"{\\\"srcaddr\\\":\\\"a\\\",\\\"end\\\":1}\"}",
	           "|=\n{\"srcaddr\":\"a\",\"end\":1}\t1\ta\t~\t\tnone\t-\n");
}

static void
it_names_json_that_is_damaged(void)
{
	const char *message = "is not well-formed JSON";

	check_error(&flow_json_codec,
	            "{\"message\":\"a\"}{\"message\":",
	            FLOW_CORRUPT,
	            message,
	            "The file ends in value 2 of the file.");
	check_error(&flow_json_codec,
	            "[{\"message\":\"a\"}",
	            FLOW_CORRUPT,
	            message,
	            "The file ends in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"message\":\"a\"} x",
	            FLOW_CORRUPT,
	            message,
	            "There is no object in value 2 of the file.");
	check_error(&flow_json_codec,
	            "[{} {}]",
	            FLOW_CORRUPT,
	            message,
	            "There is no comma before an object in value 2 of the file.");
	check_error(&flow_json_codec,
	            "{},{}",
	            FLOW_CORRUPT,
	            message,
	            "There is no object in value 2 of the file.");
	check_error(&flow_json_codec,
	            "[1]",
	            FLOW_CORRUPT,
	            message,
	            "There is no object in value 1 of the file.");
	check_error(&flow_json_codec,
	            "[[{}]",
	            FLOW_CORRUPT,
	            message,
	            "The file ends in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"message\":1,\"message\":2}",
	            FLOW_CORRUPT,
	            message,
	            "Member \"message\" is repeated at byte 22 in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"a\" 1}",
	            FLOW_CORRUPT,
	            message,
	            "Expected \":\" at byte 6 in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{\"a\":\"\xFF\"}",
	            FLOW_CORRUPT,
	            message,
	            "Invalid UTF-8 at byte 7 in value 1 of the file.");
	check_error(&flow_json_codec,
	            "{]",
	            FLOW_CORRUPT,
	            message,
	            "Expected a string or \"}\" at byte 2 in value 1 of the file.");
}

static void
it_takes_events_out_of_csv(void)
{
	check_lines(&flow_csv_codec, "timestamp,message", "");
	check_lines(&flow_csv_codec,
	            "timestamp,message\n1,a b\n\"2\",\"c\"\r\n3,\"d \"\"e\"\"\"",
	            "1 a b\n2 c\n3 d \"e\"\n");
	check_lines(&flow_csv_codec, "\"timestamp\",\"message\"\r\n1,a\r\n\r\n2,b\r", "1 a\n\n2 b\n");
	check_lines(&flow_csv_codec, "timestamp,message\n,a\n1,\n\"\",a\n", "- a\n1 \n- a\n");
	/* lines that are not events */
	check_lines(&flow_csv_codec,
	            "timestamp,message\n1\n1,2,3\n1,\"a\nb\"\n1 2,a\n1,\"a\"b\n1,a\rb\n\"\"\n",
	            "|1\n|1\x1F"
	            "2\x1F"
	            "3\n1 a|b\n1_2 a\n|1\x1F"
	            "ab\n|1\x1F"
	            "a|b\n|\x1E\n");
	check_error(&flow_csv_codec,
	            "timestamp,message\n1,\"a\n",
	            FLOW_CORRUPT,
	            "ends in the middle of a quoted field",
	            "");
}

static void
columns_of_events_in_csv_may_stand_in_any_order(void)
{
	check_lines(&flow_csv_codec,
	            "timestamp,message,logStreamName\n1,a b,c\n2,\"d, e\",\n",
	            "1 a b\n2 d, e\n");
	check_lines(&flow_csv_codec,
	            "\"@logStream\",\"@message\",\"@timestamp\"\n\"x y\",a b,\"2023-01-05 "
	            "10:00:00.000\"\n",
	            "2023-01-05T10:00:00.000 a b\n");
	check_lines(&flow_csv_codec, "@timestamp,timestamp,message,@message\n1,2,3,4\n", "1 4\n");
	check_lines(&flow_csv_codec, "@message\n\"2 1\"\n2 3\n", "- 2 1\n- 2 3\n");
	check_lines(&flow_csv_codec, "\"message\"\n\"2 1\"\n2 3\n", "- 2 1\n- 2 3\n");
	check_lines(&flow_csv_codec,
	            "_time,_raw,host\n11/14/2023 22:13,a b,c\n",
	            "11/14/2023_22:13 a b\n");
	check_lines(&flow_csv_codec, "\"@timestamp\",\"event.original\",message\n1,a b,c\n", "1 a b\n");
	check_lines(&flow_csv_codec, "Date,Host,Message\n1,x,a b\n", "1 a b\n");
	/* other separators */
	check_lines(&flow_csv_codec, "timestamp;message\n1;a, b\n", "1 a, b\n");
	check_lines(&flow_csv_codec, "timestamp\tmessage\n1\ta b\n", "1 a b\n");
	/* joined files: the header comes again */
	check_lines(&flow_csv_codec,
	            "message,timestamp\na,1\nmessage,timestamp\nb,2\ntimestamp,message\n",
	            "1 a\ntimestamp message\n2 b\nmessage timestamp\n");
	/* a line break at the end of a message is no part of it */
	check_lines(&flow_csv_codec,
	            "timestamp,message\n1,\"a\n\"\n2,\"b\r\n\"\r\n3,\"c\n\n\"\n",
	            "1 a\n2 b\n3 c|\n");
}

static void
rows_of_fields_in_csv_become_lines(void)
{
	check_lines(&flow_csv_codec,
	            "srcAddr,dstAddr,bytes\n10.0.0.1,10.0.0.2,3\n,\"\",\"a, \"\"b\"\"\"\n",
	            "srcAddr\x1F"
	            "dstAddr\x1F"
	            "bytes\n10.0.0.1\x1F"
	            "10.0.0.2\x1F"
	            "3\n"
	            "\x1F\x1E\x1F"
	            "a, \"b\"\n");
	check_lines(&flow_csv_codec,
	            "\"srcaddr\";\"bytes\"\r\n\"1,2\";\"3\"\r\n\r\n4;5",
	            "srcaddr\x1F"
	            "bytes\n1,2\x1F"
	            "3\n\n4\x1F"
	            "5\n");
	check_lines(&flow_csv_codec,
	            "srcaddr|bytes\n1,2|3\n",
	            "srcaddr\x1F"
	            "bytes\n1,2\x1F"
	            "3\n");
	/* rows that are no records */
	check_lines(&flow_csv_codec,
	            "\"1\",\"2\"\n\"a\nb\",c\n\"a\"b,c\n\x1E,c\na\x1F"
	            "b,c\n",
	            "1\x1F"
	            "2\na|b\x1F"
	            "c\n|ab\x1F"
	            "c\n|\x1E\x1F"
	            "c\n|a\x1F"
	            "b\x1F"
	            "c\n");
}

#define STREAM "eni-0a1b2c3d-all"

static void
it_takes_events_out_of_what_programs_print(void)
{
	check_lines(&flow_printed_codec,
	            "2023-01-05T10:00:00.123000+00:00 " STREAM
	            " 2 1 a\n\n2023-01-05T10:00:01+00:00 " STREAM
	            "  2 2 b\r\n2023-01-05T10:00:01+00:00 2 3 c\n" STREAM " 2 4 d",
	            "2023-01-05T10:00:00.123000+00:00 2 1 a\n\n2023-01-05T10:00:01+00:00 2 2 b\n"
	            "|2023-01-05T10:00:01+00:00 2 3 c\n|" STREAM " 2 4 d\n");
	check_lines(&flow_printed_codec,
	            "\n/aws/vpc " STREAM " 2 1\ngroup " STREAM "\n",
	            "\n- 2 1\n|group " STREAM "\n");
	check_lines(&flow_printed_codec,
	            "/aws/vpc " STREAM " 2023-01-05T10:00:00.000Z 2 1\n",
	            "2023-01-05T10:00:00.000Z 2 1\n");
	check_lines(&flow_printed_codec, STREAM " 1672912800000 2 1\n", "1672912800000 2 1\n");
	check_lines(&flow_printed_codec, STREAM "\t2 1\n", "- 2 1\n");
	check_lines(&flow_printed_codec,
	            "1672912800000\t2 1\n1672912800000 2 1\n",
	            "1672912800000 2 1\n|1672912800000 2 1\n");
	check_lines(&flow_printed_codec,
	            "2023-01-05 10:00:00 2 1\n2023-01-05 10:00:00.5Z 2 1\n2023-01-05 2 1\n",
	            "2023-01-05T10:00:00 2 1\n2023-01-05T10:00:00.5Z 2 1\n|2023-01-05 2 1\n");
	check_lines(&flow_printed_codec,
	            "EVENTS\t3711\t1672912860000\t" STREAM "\t2 1 a\t1672912800000\nEVENTS\t2 "
	            "1\t1672912800000\nSEARCHEDLOGSTREAMS\tTrue\tx\n",
	            "1672912800000 2 1 a\n|EVENTS\t2 1\t1672912800000\n\n");
	check_lines(&flow_printed_codec,
	            "b/31415926535897932384626433832795028841/s\tf/2/s\nEVENTS\t1672912860000\t2 1\t"
	            "1672912800000\n",
	            "\n1672912800000 2 1\n");
}

static void
it_recognizes_what_programs_print(void)
{
	static const char *const printed[] = {"2023-01-05T10:00:00 " STREAM " 2",
	                                      "1672912800000 " STREAM " 2",
	                                      "g eni-1-accept 2",
	                                      "tgw-attach-1-reject 2",
	                                      "1672912800000\t2",
	                                      "2023-01-05 10:00:00+01:00 2",
	                                      "SEARCHEDLOGSTREAMS\tTrue"};
	static const char *const others[] = {"",
	                                     "\n",
	                                     "2023-01-05T10:00:00Z 2 1",
	                                     "1672912800000 2 1",
	                                     "167291280000 " STREAM " 2",
	                                     "2 123456789012 " STREAM " 10.0.0.1",
	                                     "2 eni-1 3",
	                                     "eni--all",
	                                     "g " STREAM,
	                                     "g " STREAM " ",
	                                     "2672912800000\t2",
	                                     "1672912800\t2",
	                                     "2023-01-05 10:00 2",
	                                     "2023-01-05 10:00:00. 2",
	                                     "2023-01-05 10:00:00+1 2",
	                                     "b/1/s",
	                                     "EVENTS"};

	for (size_t i = 0; i < flow_countof(printed); i++)
		CHECK(
			flow_printed_recognizes((const uint8_t *) unit_at_edge(printed[i], strlen(printed[i])),
		                            strlen(printed[i])));
	for (size_t i = 0; i < flow_countof(others); i++)
		CHECK(!flow_printed_recognizes((const uint8_t *) unit_at_edge(others[i], strlen(others[i])),
		                               strlen(others[i])));
}

static void
it_recognizes_wrappers(void)
{
	static const struct
	{
		const char *text;
		bool csv, json;
	} cases[] = {{"timestamp,message", true, false},
	             {"timestamp,message\n", true, false},
	             {"timestamp,message\r\n1,a", true, false},
	             {"\"timestamp\",\"message\"\n", true, false},
	             {"timestamp,messages\n", false, false},
	             {"message,logStreamName,Timestamp\n", true, false},
	             {"message,logStreamName\n", false, false},
	             {"message\n", true, false},
	             {"message", true, false},
	             {"message x\n", false, false},
	             {"messages\n", false, false},
	             {"_raw\n", true, false},
	             {"time,message\n", true, false},
	             {"timestamp;message\n", true, false},
	             {"timestamp\tmessage\n", true, false},
	             {"srcaddr;dstaddr\n", true, false},
	             {"srcaddr|bytes|a\n", true, false},
	             {"srcaddr\tdstaddr\n", false, false},
	             {"srcaddr|a|b\n", false, false},
	             {"timestamp,message,message\n", false, false},
	             {"@message", true, false},
	             {"\"@timestamp\",\"@message\"\n", true, false},
	             {"srcAddr,dstAddr\n", true, false},
	             {"@timestamp,srcaddr,interfaceId\n", true, false},
	             {"srcaddr\n", false, false},
	             {"srcaddr dstaddr\n", false, false},
	             {"srcaddr, dstaddr\n", false, false},
	             {"srcaddr,a,b\n", false, false},
	             {"\"srcaddr\",\"a\",\"b\"\n", true, false},
	             {"\"srcaddr\";\"a\"\n", true, false},
	             {"\"srcaddr\"\n", false, false},
	             {"\"srcaddr\" \"a\"\n", false, false},
	             {"1,\"a\"\n", true, false},
	             {"1 2,\"a\"\n", false, false},
	             {"1,2\n", false, false},
	             {"\"1\",\"2", false, false},
	             {"timestamp,\"message\n", false, false},
	             {"timestamp message\n", false, false},
	             {"timestamp,", false, false},
	             {"timestamp", false, false},
	             {" \r\n\t{", false, true},
	             {"[", false, true},
	             {" ", false, false},
	             {"2 1 {", false, false},
	             {"", false, false}};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		size_t len = strlen(cases[i].text);
		const uint8_t *text = (const uint8_t *) unit_at_edge(cases[i].text, len);

		CHECK_INT(flow_csv_recognizes(text, len), cases[i].csv);
		CHECK_INT(flow_json_recognizes(text, len), cases[i].json);
	}
}

static void
random_csv_is_read_as_by_the_plain_reader(void)
{
	static const char *const pieces[] = {"1",
	                                     "a b",
	                                     ",",
	                                     ",",
	                                     "\n",
	                                     "\n",
	                                     "\r\n",
	                                     "\"",
	                                     "\"\"",
	                                     "\r",
	                                     " ",
	                                     "x\"y",
	                                     "\"q,\nr\"",
	                                     "\"2023-01-05 10:00:00\"",
	                                     ",\"r\n\"\n",
	                                     "\"s\",t\r\n",
	                                     ";",
	                                     "\x1F"};
	static const char *const headers[] = {"timestamp,message\n",
	                                      "\r\n\ntimestamp,message\n",
	                                      "@timestamp,@message\n",
	                                      "\"@message\";\"@timestamp\";\"@ptr\"\n",
	                                      "message,logStreamName,Timestamp\r\n",
	                                      "@message\n",
	                                      "message\n",
	                                      "_time;_raw\n",
	                                      "time\tmessage\n",
	                                      "srcaddr|bytes\n",
	                                      "srcAddr,dstAddr\n",
	                                      "\"srcaddr\",\"bytes\",\"_col2\"\n",
	                                      ""};
	uint64_t seed = 11;

	for (int i = 0; i < unit_tries(20000); i++)
	{
		char text[1024];
		int n = (int) (unit_random(&seed) % 24);
		size_t most = i % 3 == 0 ? 64 : 1 << 20;
		ModelText made;
		bool agrees;

		strcpy(text, headers[unit_random(&seed) % flow_countof(headers)]);
		for (int j = 0; j < n; j++)
			strcat(text, pieces[unit_random(&seed) % flow_countof(pieces)]);
		made = model_unwrap_lines(&flow_csv_codec,
		                          text,
		                          strlen(text),
		                          1 + unit_random(&seed) % 40,
		                          1 + unit_random(&seed) % 40,
		                          most);
		agrees = model_csv_agrees(text, strlen(text), most, &made);
		CHECK(agrees);
		if (!agrees)
			printf("# of: %s\n", text);
		free(made.data);
	}
}

/*
 * The expected result of reading a file that has a wrapper, by headers or by a
 * log format.
 */
typedef struct FileCase
{
	const char *text;
	const char *log_format;
	FlowHeaderMode mode;
	uint64_t lines, headers, blank, rejected;
	uint64_t places[3]; /* the records' lines */
} FileCase;

static void
check_file(const FileCase *file, bool splitter)
{
	const FlowColumn columns[] = {{.name = "srcaddr", .type = FLOW_TEXT, .max_chars = -1},
	                              {.name = "dstport", .type = FLOW_INT32, .max_chars = -1}};
	FlowFormatSpec format_spec = {.splitter = splitter,
	                              .header = file->mode,
	                              .log_format = file->log_format,
	                              .columns = columns,
	                              .ncolumns = 2};
	FlowObject object = model_write(path, file->text, strlen(file->text));
	FlowObjects objects = {.count = 1, .items = &object, .bytes = object.size};
	FlowReadSpec spec = {.host = &unit_host,
	                     .reject_limit = -1,
	                     .compression = "auto",
	                     .objects = &objects,
	                     .on_error = FLOW_ON_ERROR_IGNORE,
	                     .max_line_length = 1000};
	FlowReader *reader = NULL;
	const FlowCounts *counts;
	FlowRecord record;
	FlowStatus status;
	FlowError error;
	size_t n = 0;

	CHECK_INT(flow_format_create(&unit_host, &format_spec, &spec.format, &error), FLOW_OK);
	CHECK_INT(flow_reader_create(&spec, &reader, &error), FLOW_OK);
	while ((status = flow_reader_next(reader, &record, &error)) == FLOW_OK &&
	       n < flow_countof(file->places))
	{
		CHECK_INT(model_line_number(reader), file->places[n++]);
		CHECK(flow_reader_balances(reader));
	}
	CHECK_INT(status, FLOW_END);
	CHECK(n == flow_countof(file->places) || file->places[n] == 0);

	counts = flow_reader_counts(reader);
	CHECK(flow_reader_balances(reader));
	CHECK_INT(counts->lines, file->lines);
	CHECK_INT(counts->headers, file->headers);
	CHECK_INT(counts->blank, file->blank);
	CHECK_INT(counts->rejected, file->rejected);
	CHECK_INT(counts->emitted, n);
	flow_reader_close(reader);
	flow_format_free(spec.format);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
the_reader_counts_what_stands_in_the_file(void)
{
	static const char *const format = "${srcaddr} ${dstport}";
	static const FileCase cases[] = {
		/*
		 * the first line of CSV is a header, and so is that of another file
		 * joined to it
		 */
		{"timestamp,message", NULL, FLOW_HEADER_AUTO, 1, 1, 0, 0, {0}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\n\n3,a x\n4,b 2\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     6,
	     2,
	     1,
	     1,
	     {3, 6}},
		{"timestamp,message\r\n1,srcaddr dstport\r\n2,a 1\r\n\"timestamp\",\"message\"\r\n3,b "
	     "2\r\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     5,
	     3,
	     0,
	     0,
	     {3, 5}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\ntimestamp,message\n1,dstport srcaddr\n1,2 "
	     "b\n3,3 c\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     7,
	     4,
	     0,
	     0,
	     {3, 6, 7}},
		{"timestamp,message\n1,a 1\ntimestamp,message\n2,b 2\n",
	     format,
	     FLOW_HEADER_AUTO,
	     4,
	     2,
	     0,
	     0,
	     {2, 4}},
		{"timestamp,message\n1,a 1\ntimestamp,message\n2,b 2\n",
	     format,
	     FLOW_HEADER_FALSE,
	     4,
	     1,
	     0,
	     1,
	     {2, 4}},
		{"timestamp,message\n1,x 7\n2,a 1\ntimestamp,message\n2,b 2\n",
	     format,
	     FLOW_HEADER_TRUE,
	     5,
	     3,
	     0,
	     0,
	     {3, 5}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\ntimestamp,message\n3,b 2\n",
	     NULL,
	     FLOW_HEADER_TRUE,
	     5,
	     3,
	     0,
	     0,
	     {3, 5}},
		{"timestamp,message\n1,a 1\ntimestamp,messages\n",
	     format,
	     FLOW_HEADER_AUTO,
	     3,
	     1,
	     0,
	     1,
	     {2}},
		{"timestamp,message\n1,srcaddr dstport\n2,a 1\n3,srcaddr "
	     "dstport\ntimestamp,message\n4,srcaddr dstport\n5,b 2\n",
	     NULL,
	     FLOW_HEADER_MATCH,
	     7,
	     5,
	     0,
	     0,
	     {3, 7}},
		/* a single name is a header in the first line of the records */
		{"timestamp,message\n1,srcaddr\n2,a\n", NULL, FLOW_HEADER_AUTO, 3, 2, 0, 0, {3}},
		/* an export after an empty line */
		{"2018-01-30T12:25:04.000Z srcaddr dstport\n2018-01-30T12:25:04Z a 1\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     2,
	     1,
	     0,
	     0,
	     {2}},
		{"\r\n\n2018-01-30T12:25:04.000Z srcaddr dstport\n2018-01-30T12:25:04Z a 1\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     4,
	     1,
	     2,
	     0,
	     {4}},
		/* JSON has no header of its own: events are numbered */
		{"{\"message\":\"srcaddr dstport\"}\n{\"message\":\"a 1\"}\n\n{\"message\":\"b 2\"}\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     3,
	     1,
	     0,
	     0,
	     {2, 3}},
		/* a row of CSV that is none is no mark of JSON */
		{"timestamp,message\n1,srcaddr dstport\n=\n2,a 1\n-\n",
	     NULL,
	     FLOW_HEADER_AUTO,
	     5,
	     2,
	     0,
	     2,
	     {4}},
		{"timestamp,message\n=\n1,a 1\n", format, FLOW_HEADER_AUTO, 3, 1, 0, 1, {3}},
		/* marks between its lines are not counted, whatever the table says of headers */
		{"{\"srcaddr\":\"a\",\"dstport\":1}{\"message\":\"b\"}{\"dstport\":2,\"srcaddr\":\"b\"}",
	     format,
	     FLOW_HEADER_TRUE,
	     3,
	     0,
	     0,
	     1,
	     {1, 3}},
		{"{\"message\":\"srcaddr dstport\"}{\"dstPort\":1,\"srcAddr\":\"a\"}{\"message\":\"b 2\"}",
	     NULL,
	     FLOW_HEADER_AUTO,
	     3,
	     1,
	     0,
	     0,
	     {2, 3}},
	};

	snprintf(path, sizeof(path), "%s/flow_wrapper_XXXXXX", unit_temporary());
	close(mkstemp(path));
	for (size_t i = 0; i < flow_countof(cases); i++)
		for (int splitter = 0; splitter < 2; splitter++)
		{
			int complaints = unit_complaints;

			check_file(&cases[i], splitter);
			if (unit_complaints != complaints)
				printf("# of: %s\n", cases[i].text);
		}
	unlink(path);
}

static void
they_survive_failing_allocations(void)
{
	static const char text[] =
		"{\"logEvents\":[{\"timestamp\":1,\"message\":\"a b\"}]}{\"srcaddr\":\"a\",\"end\":1}"
		"{\"data\":\"H4sIAAAAAAACA6tWyslPV7JSSlfIUKoFAP2ZpV0NAAAA\"}";
	FlowKeys *keys = model_json_keys();
	const FlowUnwrap unwrap = {.max_line_length = 1000, .keys = keys};

	for (int after = 0; after < 32; after++)
	{
		ModelText made;

		unit_state.fail_after = after;
		made = model_unwrap_as(&flow_json_codec, text, strlen(text), 7, WHOLE, &unwrap);
		CHECK(made.status == FLOW_NO_MEMORY || made.status == FLOW_END);
		free(made.data);
		unit_state.fail_after = after;
		made = model_unwrap(&flow_csv_codec, "timestamp,message\n1,a", 21, WHOLE, WHOLE);
		CHECK(made.status == FLOW_NO_MEMORY || made.status == FLOW_END);
		free(made.data);
		unit_state.fail_after = -1;
	}
	flow_keys_free(&unit_host, keys);
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(it_takes_events_out_of_payloads);
	RUN(an_event_is_one_line_and_one_that_is_no_record_stays_none);
	RUN(a_message_has_many_names_and_the_first_is_taken);
	RUN(a_message_may_have_more_in_it);
	RUN(a_record_may_have_a_member_for_each_field);
	RUN(it_names_json_that_is_damaged);
	RUN(it_takes_events_out_of_csv);
	RUN(columns_of_events_in_csv_may_stand_in_any_order);
	RUN(rows_of_fields_in_csv_become_lines);
	RUN(it_takes_events_out_of_what_programs_print);
	RUN(it_recognizes_what_programs_print);
	RUN(it_recognizes_wrappers);
	RUN(random_csv_is_read_as_by_the_plain_reader);
	RUN(the_reader_counts_what_stands_in_the_file);
	RUN(they_survive_failing_allocations);
	return unit_done();
}
