/* Ids of requests: unique, cheap, not secret. */
#ifndef HTTP_SERVER_REQUEST_ID_H
#define HTTP_SERVER_REQUEST_ID_H

#define REQUEST_ID_CHARS 32

/* 32 lower-case hex digits and a NUL. Any thread. */
void request_id_make(char out[REQUEST_ID_CHARS + 1]);

#endif
