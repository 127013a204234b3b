/*-------------------------------------------------------------------------
 *
 * test_xml.c
 *	  Tests the elements of XML: what they contain, and what is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../flow/s3/s3.h"

#define MOST (4 << 20)

/* The result: "path=text;" for each element. */
typedef struct Log
{
	char *text;
	size_t len;
	int until_full; /* number of elements accepted before one is not; -1: all */
} Log;

static bool
log_element(void *arg, const char *path, const char *text, size_t len)
{
	Log *log = arg;

	CHECK_INT(strlen(text), len);
	if (log->until_full == 0)
		return false;
	if (log->until_full > 0)
		log->until_full--;
	if (log->len + strlen(path) + len + 3 <= MOST)
		log->len += (size_t) sprintf(log->text + log->len, "%s=%s;", path, text);
	return true;
}

/*
 * Parses in pieces of "piece" bytes.  "last" is set with the last of them, or
 * with an additional empty one.
 */
static FlowStatus
parse(const char *data, size_t len, size_t piece, bool empty_last, size_t max_bytes, Log *log,
      FlowError *error)
{
	FlowXmlSpec spec = {&unit_host, log_element, log, max_bytes};
	FlowStatus status;
	FlowXml *xml;
	size_t done = 0;

	log->len = 0;
	log->text[0] = '\0';
	status = flow_xml_create(&spec, &xml, error);
	if (status != FLOW_OK)
		return status;
	do
	{
		size_t n = piece < len - done ? piece : len - done;

		status = flow_xml_feed(xml,
		                       unit_at_edge(data + done, n),
		                       n,
		                       done + n == len && !empty_last,
		                       error);
		done += n;
	} while (status == FLOW_OK && done < len);
	if (status == FLOW_OK && empty_last)
		status = flow_xml_feed(xml, NULL, 0, true, error);
	flow_xml_free(xml);
	if (status != FLOW_OK)
		CHECK_INT(error->status, status);
	return status;
}

static Log whole = {.until_full = -1}, cut = {.until_full = -1};

/* Checks that a document gives the same result however it is cut. */
static FlowStatus
parse_all_ways(const char *data, size_t len, FlowError *error)
{
	FlowStatus status = parse(data, len, len, false, MOST, &whole, error);
	FlowError other;

	for (size_t piece = 1; piece <= len; piece += len < 500 ? 1 : 1 + piece)
		for (int empty_last = 0; empty_last < 2; empty_last++)
		{
			CHECK_INT(parse(data, len, piece, empty_last, MOST, &cut, &other), status);
			CHECK_STRING(cut.text, whole.text);
			if (status != FLOW_OK)
				CHECK_STRING(other.detail, error->detail);
		}
	CHECK_INT(unit_state.outstanding, 0);
	return status;
}

static void
check_elements(const char *document, const char *elements)
{
	FlowError error = {0};

	CHECK_INT(parse_all_ways(document, strlen(document), &error), FLOW_OK);
	CHECK_STRING(error.detail, "");
	CHECK_STRING(whole.text, elements);
}

static void
check_refused(const char *document, FlowStatus status, const char *detail)
{
	FlowError error = {0};

	CHECK_INT(parse_all_ways(document, strlen(document), &error), status);
	CHECK_STRING(error.detail, detail);
	CHECK_STRING(error.message, status == FLOW_LIMIT ? "XML exceeds a limit" : "XML is damaged");
}

/* ---------- elements ---------- */

static void
elements_come_with_their_paths_and_texts(void)
{
	check_elements("<a/>", "a=;");
	check_elements("<a><b>x</b><b>y</b><c><d>z</d></c></a>", "a/b=x;a/b=y;a/c/d=z;a/c=;a=;");
	check_elements("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>\n", "a=x;");
	check_elements("\xEF\xBB\xBF<a>x</a>", "a=x;");
	check_elements("<!-- a --><a>x<!-- b -->y</a>", "a=xy;");
	check_elements("<a b=\"c\" d='e'><b f='&lt;'/></a>", "a/b=;a=;");
}

static void
a_namespace_is_no_part_of_a_name(void)
{
	check_elements("<a xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><b>x</b></a>",
	               "a/b=x;a=;");
	check_elements("<s:a xmlns:s=\"http://s3.amazonaws.com/doc/2006-03-01/\"><s:b>x</s:b></s:a>",
	               "a/b=x;a=;");
}

static void
a_text_is_of_its_own_element(void)
{
	check_elements("<a>1<b>2<c>3</c>4</b>5</a>", "a/b/c=3;a/b=24;a=15;");
	check_elements("<a>\n  <b> x </b>\n  <b>\n</b>\n</a>", "a/b= x ;a/b=\n;a=\n;");
	check_elements("<a> 1 <b/> 2 </a>", "a/b=;a= 1  2 ;");
}

static void
references_and_sections_are_text(void)
{
	check_elements("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#xE9;</a>", "a=<>&\"'AB\xC3\xA9;");
	check_elements("<a>x<![CDATA[<b>&amp;]]>y</a>", "a=x<b>&amp;y;");
	check_elements("<a>&#10;&#13;&#9;</a>", "a=\n\r\t;");
	check_elements("<a>x\r\ny</a>", "a=x\ny;");
}

/*
 * With such indentation, the blanks alone would exceed the maximum length of a
 * text.
 */
static void
indentation_of_many_elements_is_no_long_text(void)
{
	char *document = malloc(200000), *p = document;
	FlowError error;

	p += sprintf(p, "<a>");
	for (int i = 0; i < 2000; i++)
		p += sprintf(p, "\n\t                    <b>%d</b>", i);
	p += sprintf(p, "</a>");
	CHECK_INT(parse_all_ways(document, (size_t) (p - document), &error), FLOW_OK);
	CHECK(strstr(whole.text, "a/b=0;a/b=1;") != NULL && strstr(whole.text, "a/b=1999;a=;") != NULL);
	free(document);
}

/* ---------- what is refused ---------- */

static void
document_types_are_refused(void)
{
	static const char laughs[] = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c "
								 "\"&b;&b;&b;&b;&b;&b;&b;&b;\">]><a>&c;&c;</a>";

	check_refused(laughs, FLOW_CORRUPT, "There is a document type declaration.");
	check_refused("<!DOCTYPE a><a/>", FLOW_CORRUPT, "There is a document type declaration.");
	check_refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
	              FLOW_CORRUPT,
	              "There is a document type declaration.");
	check_refused("<!DOCTYPE a PUBLIC \"b\" \"http://c/\"><a/>",
	              FLOW_CORRUPT,
	              "There is a document type declaration.");
	check_refused("<!ENTITY b \"b\"><a>&b;</a>", FLOW_CORRUPT, "At byte 0: syntax error.");
	check_refused("<a><!ENTITY b \"b\">&b;</a>",
	              FLOW_CORRUPT,
	              "At byte 5: not well-formed (invalid token).");
}

static void
unknown_entities_are_refused(void)
{
	check_refused("<a>&nbsp;</a>", FLOW_CORRUPT, "At byte 3: undefined entity.");
	check_refused("<a>&#0;</a>", FLOW_CORRUPT, "At byte 3: reference to invalid character number.");
	check_refused("<a>&#xD800;</a>",
	              FLOW_CORRUPT,
	              "At byte 3: reference to invalid character number.");
}

static void
processing_instructions_are_refused(void)
{
	check_refused("<?b c?><a/>", FLOW_CORRUPT, "There is a processing instruction.");
	check_refused("<a><?b c?></a>", FLOW_CORRUPT, "There is a processing instruction.");
}

static void
what_is_not_well_formed_is_refused(void)
{
	check_refused("<a><b></a></b>", FLOW_CORRUPT, "At byte 8: mismatched tag.");
	check_refused("<a/><a/>", FLOW_CORRUPT, "At byte 4: junk after document element.");
	check_refused("x<a/>", FLOW_CORRUPT, "At byte 1: not well-formed (invalid token).");
	check_refused("<a>\xFF</a>", FLOW_CORRUPT, "At byte 3: not well-formed (invalid token).");
	check_refused("<a>\xC0\x80</a>", FLOW_CORRUPT, "At byte 3: not well-formed (invalid token).");
	check_refused("<a>\x01</a>", FLOW_CORRUPT, "At byte 3: not well-formed (invalid token).");
	check_refused("<a b='1' b='2'/>", FLOW_CORRUPT, "At byte 9: duplicate attribute.");
	check_refused(" ", FLOW_CORRUPT, "At byte 1: no element found.");
}

/*
 * The document cannot choose the table by which it is read.  UTF-16 is
 * detected by its first bytes.
 */
static void
a_declared_encoding_does_not_count(void)
{
	FlowError error;

	check_elements("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xC3\xA9</a>", "a=\xC3\xA9;");
	check_refused("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>",
	              FLOW_CORRUPT,
	              "At byte 46: not well-formed (invalid token).");
	CHECK_INT(parse_all_ways("\xFF\xFE<\0a\0/\0>\0", 10, &error), FLOW_OK);
	CHECK_STRING(whole.text, "a=;");
}

static void
a_document_that_is_cut_is_corrupt(void)
{
	static const char document[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:a xmlns:s=\"x\"><b c='d'>x &amp; "
		"<![CDATA[y]]> \xC3\xA9</b><!-- z --><e/></s:a>";
	FlowError error;

	CHECK_INT(parse_all_ways(document, strlen(document), &error), FLOW_OK);
	for (size_t len = 0; len < strlen(document); len++)
	{
		CHECK_INT(parse(document, len, 1 + len, false, MOST, &whole, &error), FLOW_CORRUPT);
		CHECK_INT(parse(document, len, 1 + len, true, MOST, &whole, &error), FLOW_CORRUPT);
		CHECK_INT(parse(document, len, 1, true, MOST, &whole, &error), FLOW_CORRUPT);
		CHECK_STRING(error.message, "XML is damaged");
	}
}

/* ---------- limits ---------- */

static void
nesting_is_limited(void)
{
	check_elements(
		"<a><a><a><a><a><a><a><a>x</a></a></a></a></a></a></a></a>",
		"a/a/a/a/a/a/a/a=x;a/a/a/a/a/a/a=;a/a/a/a/a/a=;a/a/a/a/a=;a/a/a/a=;a/a/a=;a/a=;a=;");
	check_refused("<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
	              FLOW_LIMIT,
	              "Elements are nested too deeply.");
}

/*
 * Parses a document that has "len" bytes of one letter between the two texts.
 */
static FlowStatus
parse_long(const char *before, size_t len, const char *behind, FlowError *error)
{
	char *document = malloc(len + 1000);
	size_t at = (size_t) sprintf(document, "%s", before);
	FlowStatus status;

	memset(document + at, 'n', len);
	strcpy(document + at + len, behind);
	status = parse_all_ways(document, strlen(document), error);
	free(document);
	return status;
}

static void
names_texts_and_attributes_are_limited(void)
{
	FlowError error;

	CHECK_INT(parse_long("<", FLOW_XML_NAME, "/>", &error), FLOW_OK);
	CHECK_INT(parse_long("<", FLOW_XML_NAME + 1, "/>", &error), FLOW_LIMIT);
	CHECK_STRING(error.detail, "The name of an element, or an attribute, is too long.");
	CHECK_INT(parse_long("<a ", FLOW_XML_NAME, "='1'/>", &error), FLOW_OK);
	CHECK_INT(parse_long("<a ", FLOW_XML_NAME + 1, "='1'/>", &error), FLOW_LIMIT);
	CHECK_INT(parse_long("<a b='", FLOW_XML_NAME, "'/>", &error), FLOW_OK);
	CHECK_INT(parse_long("<a b='", FLOW_XML_NAME + 1, "'/>", &error), FLOW_LIMIT);
	CHECK_INT(parse_long("<a>", FLOW_XML_TEXT, "</a>", &error), FLOW_OK);
	CHECK_INT(whole.len, FLOW_XML_TEXT + 3);
	CHECK_INT(parse_long("<a>", FLOW_XML_TEXT + 1, "</a>", &error), FLOW_LIMIT);
	CHECK(strncmp(error.detail, "The text of an element is too long", 34) == 0);
	CHECK_INT(parse_long("<a>x<b>", FLOW_XML_TEXT, "</b>y</a>", &error), FLOW_OK);
}

static void
the_longest_path_has_room(void)
{
	char *document = malloc(10000), *p = document;
	FlowError error;

	for (int i = 0; i < FLOW_XML_DEPTH; i++)
	{
		*p++ = '<';
		memset(p, 'a' + i, FLOW_XML_NAME);
		p += FLOW_XML_NAME;
		*p++ = '>';
	}
	for (int i = FLOW_XML_DEPTH; i-- > 0;)
	{
		*p++ = '<', *p++ = '/';
		memset(p, 'a' + i, FLOW_XML_NAME);
		p += FLOW_XML_NAME;
		*p++ = '>';
	}
	CHECK_INT(parse_all_ways(document, (size_t) (p - document), &error), FLOW_OK);
	free(document);
}

static void
the_document_is_limited(void)
{
	static const char document[] = "<a><b>x</b></a>";
	FlowError error;

	for (size_t piece = 1; piece <= strlen(document); piece++)
		for (size_t most = 0; most <= strlen(document) + 1; most++)
		{
			bool fits = most >= strlen(document);

			CHECK_INT(parse(document, strlen(document), piece, piece % 2, most, &whole, &error),
			          fits ? FLOW_OK : FLOW_LIMIT);
			if (fits)
				CHECK_STRING(whole.text, "a/b=x;a=;");
			else /* expat may wait for the end of what it has parsed */
				CHECK(strncmp(whole.text, "a/b=x;a=;", whole.len) == 0);
		}
}

/* ---------- the host ---------- */

static void
without_memory_nothing_is_left(void)
{
	FlowStatus status = FLOW_NO_MEMORY;
	char *document = malloc(10000);
	FlowError error;
	int tries;

	sprintf(document, "<a>%08000d</a>", 0);
	for (tries = 0; status == FLOW_NO_MEMORY; tries++)
	{
		unit_state.fail_after = tries;
		status = parse(document, strlen(document), 1000, false, MOST, &whole, &error);
		unit_state.fail_after = -1;
		CHECK_INT(unit_state.outstanding, 0);
	}
	CHECK_INT(status, FLOW_OK);
	CHECK(tries > 3);

	whole.until_full = 1;
	CHECK_INT(parse("<a><b/><b/></a>", 15, 100, false, MOST, &whole, &error), FLOW_NO_MEMORY);
	CHECK_STRING(error.message, "out of memory");
	whole.until_full = -1;
	free(document);
}

static void
much_data_can_be_interrupted(void)
{
	size_t len = 3 * FLOW_BLOCK_SIZE;
	char *document = malloc(len + 1);
	FlowError error;

	memset(document, ' ', len);
	memcpy(document + len - 4, "<a/>", 4);
	CHECK_INT(parse(document, len, len, false, MOST, &whole, &error), FLOW_OK);
	CHECK_STRING(whole.text, "a=;");
	unit_state.interrupt_after = 1;
	CHECK_INT(parse(document, len, len, false, MOST, &whole, &error), FLOW_INTERRUPTED);
	unit_state.interrupt_after = -1;
	free(document);
}

int
main(void)
{
	whole.text = malloc(MOST);
	cut.text = malloc(MOST);
	RUN(elements_come_with_their_paths_and_texts);
	RUN(a_namespace_is_no_part_of_a_name);
	RUN(a_text_is_of_its_own_element);
	RUN(references_and_sections_are_text);
	RUN(indentation_of_many_elements_is_no_long_text);
	RUN(document_types_are_refused);
	RUN(unknown_entities_are_refused);
	RUN(processing_instructions_are_refused);
	RUN(what_is_not_well_formed_is_refused);
	RUN(a_declared_encoding_does_not_count);
	RUN(a_document_that_is_cut_is_corrupt);
	RUN(nesting_is_limited);
	RUN(names_texts_and_attributes_are_limited);
	RUN(the_longest_path_has_room);
	RUN(the_document_is_limited);
	RUN(without_memory_nothing_is_left);
	RUN(much_data_can_be_interrupted);
	free(whole.text);
	free(cut.text);
	return unit_done();
}
