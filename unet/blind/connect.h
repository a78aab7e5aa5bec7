/* connect.h -- sockets of TCP: listening, accepting, connecting, and a server
 * that serves one client at a time. */
#ifndef BLIND_CONNECT_H
#define BLIND_CONNECT_H

#include <stdbool.h>

#include "ckks.h"

/* Listens at a port of this machine's address `host`, by default (NULL)
 * 127.0.0.1, which other machines do not reach.  *port 0: the system chooses
 * one; out, the port.
 *   errors  CKKS_EARG       no such address or port
 *           CKKS_EIO        the system refuses: in use, for example */
CKKS_CHECKED ckks_status blind_listen(int *out, int *port, const char *host);

/* Connects to "HOST:PORT" or "[ADDRESS]:PORT", trying all addresses of the
 * host in turn, each at most so many seconds.
 *   errors  CKKS_EARG       no such text or host
 *           CKKS_EIO        nobody answers */
CKKS_CHECKED ckks_status blind_connect(int *out, const char *address,
                                       double seconds);

/* Serves clients until *stop (which a signal handler sets), one at a time, each
 * in a process of its own whose secrets die with it; who comes meanwhile gets
 * busy, with the seconds for which the other one has been served.  once: a
 * single client, in this process; others are refused.  serve and busy get a
 * connected socket and close it; serve returns 0 if all went well, and flushes
 * what it printed.  After a failure with a client a server goes on; when it
 * stops, the process that serves is ended, too.
 *   gives   *failed: clients that were not served to the end
 *   errors  CKKS_EIO        no more sockets or processes */
CKKS_CHECKED ckks_status blind_serve(int *failed, int listener, bool once,
                                     const volatile int *stop,
                                     int (*serve)(int socket, void *user),
                                     void (*busy)(int socket, double seconds,
                                                  void *user), void *user);

#endif
