/* Bodies that are being received: bucket_store on files of incoming/. */
#ifndef STORE_FILES_STAGING_H
#define STORE_FILES_STAGING_H

#include "port/bucket_store.h"

extern const struct bucket_store_ops staging_ops;

#endif
