/*-------------------------------------------------------------------------
 *
 * room.c
 *	  A buffer that grows.
 *
 *-------------------------------------------------------------------------
 */
#include "encoding.h"

/*
 * Makes room; a buffer that is too small is replaced by one at least twice its
 * size.
 */
bool
flow_room_reserve(const FlowHost *host, FlowRoom *room, size_t size)
{
	size_t more;

	if (room->data != NULL && size <= room->size)
		return true;
	/* the first time, what is asked for is enough */
	more = size < room->size * 2 ? room->size * 2 : size;
	flow_room_free(host, room);
	room->data = flow_allocate(host, more + FLOW_PAGE_PADDING);
	if (room->data == NULL)
		return false;
	/* what lies behind the contents is read, though never used */
	memset(room->data + more, 0, FLOW_PAGE_PADDING);
	room->size = more;
	return true;
}

void
flow_room_free(const FlowHost *host, FlowRoom *room)
{
	flow_free(host, room->data);
	*room = (FlowRoom) {NULL, 0};
}
