/*-------------------------------------------------------------------------
 *
 * slow_names.c
 *	  Makes host names that contain ".slow.test" take a minute to resolve.  It
 *	  is preloaded.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");

	if (name != NULL && strstr(name, ".slow.test") != NULL)
	{
		sleep(60);
		return EAI_AGAIN;
	}
	return real(name, service, hints, result);
}
