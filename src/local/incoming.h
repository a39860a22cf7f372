/* Bodies that are being received: bucket_store on files of incoming/. */
#ifndef LOCAL_INCOMING_H
#define LOCAL_INCOMING_H

#include "port/bucket_store.h"

extern const struct bucket_store_ops staging_ops;

#endif
