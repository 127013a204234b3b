/*-------------------------------------------------------------------------
 *
 * index_key.c
 *	  The keys of an index: values as bytes that order alike.
 *
 *-------------------------------------------------------------------------
 */
#include "flow_digits.h"
#include "index.h"

/* Returns true if a column can be indexed. */
bool
flow_index_takes(const FlowColumn *column)
{
	if (column->source != FLOW_FROM_RECORD)
		return false;
	switch (column->type)
	{
		case FLOW_INT16:
		case FLOW_INT32:
		case FLOW_INT64:
		case FLOW_BOOLEAN:
		case FLOW_TEXT:
		case FLOW_PADDED:
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
			return true;
		default:
			return false;
	}
}

/* Returns the bytes of a key of a kind; 0: a text, which may have any number, or no kind. */
size_t
flow_index_kind_size(unsigned kind)
{
	switch (kind)
	{
		case FLOW_INDEX_NULL:
		case FLOW_INDEX_OTHER:
			return 1;
		case FLOW_INDEX_IPV4:
			return 1 + 4;
		case FLOW_INDEX_IPV6:
			return 1 + 16;
		case FLOW_INDEX_INTEGER:
			return 1 + 8;
		default:
			return 0;
	}
}

/* Writes the lower bytes of a number, the highest of them first. */
static void
write_number(unsigned char *to, uint64_t number, size_t size)
{
	for (size_t i = size; i-- > 0; number >>= 8)
		to[i] = (unsigned char) number;
}

/* Sets a key of a kind that is not a text; see index.h for the number. */
void
flow_index_set_key(FlowIndexKey *key, FlowIndexKind kind, uint64_t high, uint64_t low)
{
	size_t size = flow_index_kind_size(kind) - 1;

	key->len = (uint8_t) (size + 1);
	key->bytes[0] = (unsigned char) kind;
	if (size > 8)
	{
		write_number(key->bytes + 1, high, 8);
		write_number(key->bytes + 9, low, 8);
	}
	else
		write_number(key->bytes + 1, low, size);
}

/* Sets the key of a text, whose trailing blanks count. */
void
flow_index_set_text(FlowIndexKey *key, FlowSlice text)
{
	size_t len = text.len < FLOW_INDEX_KEY_SIZE - 1 ? text.len : FLOW_INDEX_KEY_SIZE - 1;

	key->len = (uint8_t) (len + 1);
	key->bytes[0] = FLOW_INDEX_TEXT;
	if (len > 0)
		memcpy(key->bytes + 1, text.data, len);
}

/* An address with a mask is not equal to the one without. */
static void
set_address(FlowIndexKey *key, const FlowAddress *address)
{
	size_t size = address->family == 4 ? 4 : 16;

	if (address->bits != 8 * size)
	{
		flow_index_set_key(key, FLOW_INDEX_OTHER, 0, 0);
		return;
	}
	key->len = (uint8_t) (size + 1);
	key->bytes[0] = address->family == 4 ? FLOW_INDEX_IPV4 : FLOW_INDEX_IPV6;
	memcpy(key->bytes + 1, address->bytes, size);
}

/* Sets the key of a value of the column, or of NULL. */
void
flow_index_key(const FlowColumn *column, const FlowValue *value, FlowIndexKey *key)
{
	FlowSlice text;

	if (value == NULL)
	{
		flow_index_set_key(key, FLOW_INDEX_NULL, 0, 0);
		return;
	}
	switch (column->type)
	{
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
			set_address(key, &value->address);
			break;
		case FLOW_TEXT:
		case FLOW_PADDED:
			text = value->text;
			while (column->type == FLOW_PADDED && text.len > 0 && text.data[text.len - 1] == ' ')
				text.len--;
			flow_index_set_text(key, text);
			break;
		default:
			flow_index_set_key(key, FLOW_INDEX_INTEGER, 0, flow_index_integer(value->integer));
			break;
	}
}

#define IPV6_MAX 39 /* bytes of an IPv6 address in canonical form */

/* Returns the digits of a byte in decimal. */
static inline size_t
digits_of(uint8_t byte)
{
	return 1 + (size_t) (byte > 9) + (size_t) (byte > 99);
}

/* Sets the key of a text that is an address in canonical form. */
bool
flow_index_key_of_address(FlowSlice text, FlowIndexKey *key)
{
	char buffer[FLOW_FORM_SIZE];
	FlowValue value;
	FlowSlice form;
	uint8_t quad[4];

	/* nearly all are dotted quads; zeros before a number's digits make one longer */
	if (flow_likely(flow_read_dotted_quad(text.data, text.len, false, quad)))
	{
		key->len = 1 + sizeof(quad);
		key->bytes[0] = FLOW_INDEX_IPV4;
		memcpy(key->bytes + 1, quad, sizeof(quad));
		return text.len == 3 + digits_of(quad[0]) + digits_of(quad[1]) + digits_of(quad[2]) +
		                       digits_of(quad[3]);
	}
	if (text.len < 2 || text.len > IPV6_MAX)
		return false;
	if (flow_value_address(text.data, text.len, false, &value.address) != FLOW_OK ||
	    value.address.bits != (value.address.family == 4 ? 32 : 128))
		return false;
	form = flow_value_write(FLOW_ADDRESS, &value, buffer);
	if (form.len != text.len || memcmp(form.data, text.data, text.len) != 0)
		return false;
	set_address(key, &value.address);
	return true;
}

/* Orders keys as bytes. */
int
flow_index_key_compare(const FlowIndexKey *a, const FlowIndexKey *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->bytes, b->bytes, len);

	return order != 0 ? order : (int) a->len - (int) b->len;
}
