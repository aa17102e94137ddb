/*
 * web_listen.h - where the page may be served: loopback or a unix socket, nothing else
 *
 * The page shows a store's network to whoever can reach it and asks for no password, so
 * it is bound where only this machine comes: what else there is, is refused with the reason.
 */
#ifndef SL_WEB_LISTEN_H
#define SL_WEB_LISTEN_H

#include <stddef.h>
#include <sys/socket.h>

struct sl_web_address {
	struct sockaddr_storage socket;
	socklen_t length;
};

/*
 * Read "127.0.0.1:8421", "[::1]:8421", "localhost:8421" or "unix:/path"; port 0 = any free.
 * 0; or -EINVAL, *@to untouched, and @why (SL_TEXT_MAX bytes) says what is wrong with it.
 */
int sl_web_listen_parse(struct sl_web_address *to, const char *text, char *why);

/*
 * Bind and listen, close-on-exec and non-blocking.  A unix socket that nobody serves any more
 * is replaced; the new one is for owner and group.  The descriptor, the caller's to close;
 * or -errno.
 */
int sl_web_listen_open(const struct sl_web_address *address);

/* What @fd listens on, as it may be typed ("127.0.0.1:8421", "unix:/path"). */
void sl_web_listen_name(int fd, char *text, size_t size);

/* Close @fd; a unix socket's name goes too. */
void sl_web_listen_close(int fd);

#endif
