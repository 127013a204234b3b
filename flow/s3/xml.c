/*-------------------------------------------------------------------------
 *
 * xml.c
 *	  Reads elements of XML, one by one as they end.  No other file uses expat.
 *
 * Without a document type declaration there are only the five entities of XML
 * itself, and nothing that could grow when it is expanded.  expat's own limits
 * stay unchanged.
 *
 *-------------------------------------------------------------------------
 */
#include "s3.h"

#include <expat.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_ROOM 4096

struct FlowXml
{
	FlowXmlSpec spec;
	XML_Parser parser;
	size_t taken; /* bytes of the document parsed so far */

	/* why our callbacks stopped the parser, if they did */
	FlowStatus status;
	const char *problem; /* a sentence without its full stop */

	/* the open elements */
	int depth;
	char path[FLOW_XML_DEPTH * (FLOW_XML_NAME + 1)];
	size_t path_len;
	size_t path_before[FLOW_XML_DEPTH]; /* by depth: its length without that element */

	/* the texts of all open elements, one after the other */
	char *text;
	size_t text_len;
	size_t text_room;
	size_t text_begin[FLOW_XML_DEPTH + 1]; /* by depth; the first is unused */
};

/*
 * ---------- callbacks of expat, which may be called after it was stopped
 * ----------
 */

static void
stop(FlowXml *xml, FlowStatus status, const char *problem)
{
	xml->status = status;
	xml->problem = problem;
	XML_StopParser(xml->parser, XML_FALSE);
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/*
 * Removes text that consists only of blanks, which is the indentation of
 * elements within an element.
 */
static void
drop_blanks(FlowXml *xml)
{
	size_t begin = xml->text_begin[xml->depth], len = xml->text_len;

	while (len > begin && is_blank(xml->text[len - 1]))
		len--;
	if (len == begin)
		xml->text_len = begin;
}

static bool
attributes_fit(const char **attributes)
{
	for (; *attributes != NULL; attributes++)
		if (strlen(*attributes) > FLOW_XML_NAME)
			return false;
	return true;
}

/* Begins an element: appends its name to the path. */
static void XMLCALL
begin_element(void *arg, const char *name, const char **attributes)
{
	FlowXml *xml = arg;
	size_t len = strlen(name);
	const char *colon = strrchr(name, ':');

	if (xml->status != FLOW_OK)
		return;
	if (xml->depth == FLOW_XML_DEPTH)
	{
		stop(xml, FLOW_LIMIT, "Elements are nested too deeply");
		return;
	}
	if (len > FLOW_XML_NAME || !attributes_fit(attributes))
	{
		stop(xml, FLOW_LIMIT, "The name of an element, or an attribute, is too long");
		return;
	}
	/* remove the namespace prefix */
	if (colon != NULL)
	{
		len -= (size_t) (colon + 1 - name);
		name = colon + 1;
	}

	/* append to the path */
	if (xml->depth > 0)
		drop_blanks(xml);
	xml->path_before[xml->depth] = xml->path_len;
	if (xml->depth > 0)
		xml->path[xml->path_len++] = '/';
	memcpy(xml->path + xml->path_len, name, len + 1);
	xml->path_len += len;
	xml->text_begin[++xml->depth] = xml->text_len;
}

/* Ends an element: passes it to the caller. */
static void XMLCALL
end_element(void *arg, const char *name)
{
	FlowXml *xml = arg;
	size_t begin = xml->text_begin[xml->depth];

	(void) name;
	if (xml->status != FLOW_OK)
		return;
	xml->text[xml->text_len] = '\0';
	if (!xml->spec.element(xml->spec.arg, xml->path, xml->text + begin, xml->text_len - begin))
	{
		stop(xml, FLOW_NO_MEMORY, NULL);
		return;
	}
	xml->text_len = begin;
	xml->path_len = xml->path_before[--xml->depth];
	xml->path[xml->path_len] = '\0';
}

/* Makes room for "len" more bytes and a NUL. */
static bool
make_room(FlowXml *xml, size_t len)
{
	size_t room = xml->text_room;
	char *larger;

	while (room - xml->text_len <= len)
		room *= 2;
	if (room == xml->text_room)
		return true;
	larger = flow_allocate(xml->spec.host, room);
	if (larger == NULL)
		return false;
	memcpy(larger, xml->text, xml->text_len);
	explicit_bzero(xml->text, xml->text_len);
	flow_free(xml->spec.host, xml->text);
	xml->text = larger;
	xml->text_room = room;
	return true;
}

/* Appends to the text of the open element. */
static void XMLCALL
take_text(void *arg, const char *text, int len)
{
	FlowXml *xml = arg;

	if (xml->status != FLOW_OK)
		return;
	if ((size_t) len > FLOW_XML_TEXT - (xml->text_len - xml->text_begin[xml->depth]))
		stop(xml, FLOW_LIMIT, "The text of an element is too long");
	else if (!make_room(xml, (size_t) len))
		stop(xml, FLOW_NO_MEMORY, NULL);
	else
	{
		memcpy(xml->text + xml->text_len, text, (size_t) len);
		xml->text_len += (size_t) len;
	}
}

static void XMLCALL
refuse_doctype(void *arg, const char *name, const char *system_id, const char *public_id,
               int has_subset)
{
	FlowXml *xml = arg;

	(void) name, (void) system_id, (void) public_id, (void) has_subset;
	if (xml->status == FLOW_OK)
		stop(xml, FLOW_CORRUPT, "There is a document type declaration");
}

static void XMLCALL
refuse_instruction(void *arg, const char *target, const char *data)
{
	FlowXml *xml = arg;

	(void) target, (void) data;
	if (xml->status == FLOW_OK)
		stop(xml, FLOW_CORRUPT, "There is a processing instruction");
}

/* ---------- the parser ---------- */

/* Creates a parser. */
FlowStatus
flow_xml_create(const FlowXmlSpec *spec, FlowXml **result, FlowError *error)
{
	FlowXml *xml = flow_allocate(spec->host, sizeof(FlowXml));
	unsigned long salt = 0;

	if (xml == NULL)
		return flow_error_memory(error);
	*xml = (FlowXml) {.spec = *spec, .text_room = FIRST_ROOM};
	xml->text = flow_allocate(spec->host, FIRST_ROOM);
	xml->parser = XML_ParserCreate("UTF-8"); /* ignores the document's declaration */
	if (xml->text == NULL || xml->parser == NULL)
	{
		flow_xml_free(xml);
		return flow_error_memory(error);
	}

	/*
	 * Nobody can then choose names that collide.  Without it, expat uses
	 * another salt, perhaps a worse one.
	 */
	if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) == sizeof(salt))
		XML_SetHashSalt(xml->parser, salt);
	XML_SetUserData(xml->parser, xml);
	XML_SetElementHandler(xml->parser, begin_element, end_element);
	XML_SetCharacterDataHandler(xml->parser, take_text);
	XML_SetStartDoctypeDeclHandler(xml->parser, refuse_doctype);
	XML_SetProcessingInstructionHandler(xml->parser, refuse_instruction);
	*result = xml;
	return FLOW_OK;
}

void
flow_xml_free(FlowXml *xml)
{
	if (xml == NULL)
		return;
	if (xml->parser != NULL)
		XML_ParserFree(xml->parser);
	if (xml->text != NULL)
		explicit_bzero(xml->text, xml->text_room); /* an answer may contain keys */
	flow_free(xml->spec.host, xml->text);
	flow_free(xml->spec.host, xml);
}

/* Reports why the parser stopped. */
static FlowStatus
report(const FlowXml *xml, FlowError *error)
{
	enum XML_Error code = XML_GetErrorCode(xml->parser);

	if (xml->status == FLOW_NO_MEMORY || (xml->status == FLOW_OK && code == XML_ERROR_NO_MEMORY))
		return flow_error_memory(error);
	if (xml->status == FLOW_LIMIT)
		flow_error_set(error, FLOW_LIMIT, "XML exceeds a limit");
	else
		flow_error_set(error, FLOW_CORRUPT, "XML is damaged");
	if (xml->status == FLOW_OK)
		flow_error_detail(error,
		                  "At byte %lld: %s.",
		                  (long long) XML_GetCurrentByteIndex(xml->parser),
		                  XML_ErrorString(code));
	else
		flow_error_detail(error, "%s.", xml->problem);
	return error->status;
}

/* Parses the next bytes. */
FlowStatus
flow_xml_feed(FlowXml *xml, const char *data, size_t len, bool last, FlowError *error)
{
	size_t fits = xml->spec.max_bytes - xml->taken;
	bool fit = len <= fits;

	if (!fit)
		len = fits;
	if (len == 0)
		data = ""; /* the pointer may be NULL */
	do
	{
		size_t piece = len < FLOW_BLOCK_SIZE ? len : FLOW_BLOCK_SIZE;

		if (len > piece && flow_interrupted(xml->spec.host))
			return flow_error_interrupted(error);
		if (XML_Parse(xml->parser, data, (int) piece, last && fit && piece == len) != XML_STATUS_OK)
			return report(xml, error);
		data += piece;
		len -= piece;
		xml->taken += piece;
	} while (len > 0);

	if (!fit)
	{
		flow_error_set(error, FLOW_LIMIT, "XML exceeds a limit");
		flow_error_detail(error, "It has more than %zu bytes.", xml->spec.max_bytes);
		return FLOW_LIMIT;
	}
	return FLOW_OK;
}
