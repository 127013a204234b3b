/*-------------------------------------------------------------------------
 *
 * s3.c
 *	  The S3 store of a foreign table: whose bucket, with whose keys, and what
 *	  the administrator allows.
 *
 * What speaks to the store is a module of its own, which is loaded when the
 * first of them is opened: its libraries would cost every new session several
 * milliseconds.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <stdlib.h>

#include "catalog/pg_user_mapping.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/*
 * Keys that were fetched from somewhere, by user mapping, until they expire or
 * the mapping changes.  Static ones are not kept: the mapping has them.
 */
typedef struct CachedKeys
{
	Oid umid;
	uint32 hash; /* of the mapping in the system cache */
	FlowS3Credentials credentials;
} CachedKeys;

static List *cached_keys;

/* ---------- keys ---------- */

static void
forget_keys(Datum arg, int cache, uint32 hash)
{
	ListCell *cell;

	foreach(cell, cached_keys)
	{
		CachedKeys *cached = lfirst(cell);

		if (hash != 0 && cached->hash != hash)
			continue;
		/* a scan may hold it: it is emptied, and stays */
		explicit_bzero(&cached->credentials.keys, sizeof(cached->credentials.keys));
		cached->credentials.known = false;
	}
}

static FlowS3Credentials *
find_keys(Oid umid, FlowS3Source source)
{
	static bool registered = false;
	CachedKeys *cached;
	MemoryContext old;
	ListCell *cell;

	foreach(cell, cached_keys)
	{
		cached = lfirst(cell);
		if (cached->umid == umid && cached->credentials.source == source)
			return &cached->credentials;
	}

	if (!registered)
	{
		CacheRegisterSyscacheCallback(USERMAPPINGOID, forget_keys, (Datum) 0);
		registered = true;
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	cached = palloc0(sizeof(CachedKeys));
	cached->umid = umid;
	cached->hash = GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(umid));
	cached->credentials.source = source;
	cached_keys = lappend(cached_keys, cached);
	MemoryContextSwitchTo(old);
	return &cached->credentials;
}

static void
wipe_keys(void *keys)
{
	explicit_bzero(keys, sizeof(FlowS3Keys));
}

static FlowS3Credentials *
read_keys(const FlowlogOptions *options, const UserMapping *mapping)
{
	FlowS3Credentials *credentials;
	MemoryContextCallback *callback;

	if (options->credential_source != FLOW_S3_STATIC &&
	    options->credential_source != FLOW_S3_ANONYMOUS)
		return find_keys(mapping->umid, options->credential_source);

	credentials = palloc0(sizeof(FlowS3Credentials));
	credentials->source = options->credential_source;
	credentials->known = true;
	if (options->credential_source == FLOW_S3_ANONYMOUS)
		return credentials;
	if (options->access_key_id == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		        errmsg("the user mapping has no keys"),
		        errhint("Set its options \"access_key_id\" and \"secret_access_key\", or "
		                "\"credential_source\"."));
	callback = palloc0(sizeof(MemoryContextCallback));
	callback->func = wipe_keys;
	callback->arg = &credentials->keys;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	strlcpy(credentials->keys.access_key_id,
	        options->access_key_id,
	        sizeof(credentials->keys.access_key_id));
	strlcpy(credentials->keys.secret_access_key,
	        options->secret_access_key,
	        sizeof(credentials->keys.secret_access_key));
	if (options->session_token != NULL)
		strlcpy(credentials->keys.session_token,
		        options->session_token,
		        sizeof(credentials->keys.session_token));
	return credentials;
}

/* FlowS3CredentialsSpec's environment */
static const char *
environment(void *arg, const char *name)
{
	return getenv(name);
}

/* ---------- endpoints ---------- */

/* The setting's entries, in the current memory context. */
static void
read_endpoints(FlowS3Spec *spec)
{
	List *list = NIL;
	ListCell *cell;
	const char **entries;

	if (flowlog_allowed_endpoints == NULL && flowlog_allowed_endpoints_refused)
		ereport(ERROR,
		        errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		        errmsg("flow logs in S3 cannot be read in this session"),
		        errdetail("The setting \"%s\" is invalid, or the session tried to change it.",
		                  "flowlog_fdw.allowed_endpoints"),
		        errhint("It belongs into postgresql.conf: hosts, addresses and networks, separated "
		                "by commas."));
	if (flowlog_allowed_endpoints == NULL)
		return;
	if (!SplitGUCList(pstrdup(flowlog_allowed_endpoints), ',', &list))
		elog(ERROR, "invalid list of endpoints: \"%s\"", flowlog_allowed_endpoints);
	entries = palloc(sizeof(char *) * (list_length(list) + 1));
	foreach(cell, list)
		entries[spec->nendpoints++] = lfirst(cell);
	spec->endpoints = entries;
}

/* ---------- the store ---------- */

static FlowS3Create
load_module(void)
{
	static FlowS3Create create;

#ifdef FLOWLOG_WITHOUT_S3
	ereport(ERROR,
	        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	        errmsg("flow logs in S3 cannot be read by this build of flowlog_fdw"),
	        errhint("It was built with \"make WITH_S3=no\"."));
#endif
	if (create == NULL)
		create = (FlowS3Create)
			load_external_function("$libdir/flowlog_s3", "flowlog_s3_create", true, NULL);
	return create;
}

FlowStore *
flowlog_s3_open(FlowlogBackend *backend, const FlowLocation *location, Oid serverid, Oid userid)
{
	ForeignServer *server;
	UserMapping *mapping;
	FlowlogOptions of_server;
	FlowlogOptions of_user;
	FlowS3Spec spec = {0};
	FlowStore *store;
	FlowError error;

	if (flow_location_is_local(location))
		return NULL;
	server = GetForeignServer(serverid);
	mapping = GetUserMapping(userid, serverid);
	flowlog_options_of_server(&of_server, server);
	flowlog_options_of_user(&of_user, mapping);

	spec.host = &backend->host;
	spec.bucket = flow_location_bucket(location, &spec.bucket_len);
	spec.region = of_server.region;
	spec.endpoint_host = of_server.endpoint_host;
	spec.endpoint_plain = of_server.endpoint_plain;
	spec.path_style =
		of_server.url_style == FLOWLOG_URL_PATH ||
		(of_server.url_style == FLOWLOG_URL_DEFAULT && of_server.endpoint_host != NULL);
	spec.requester_pays = of_server.requester_pays;
	spec.ca_file = of_server.ca_file;
	spec.max_connections = of_server.max_connections;
	read_endpoints(&spec);
	spec.credentials = read_keys(&of_user, mapping);
	spec.environment = environment;
	if (load_module()(&spec, &store, &error) != FLOW_OK)
		flowlog_raise(backend, &error, NULL);
	return store;
}
