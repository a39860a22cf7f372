/* Internal to postgres/: converts rows of images and owners to parameters and from results. Pure. */
#ifndef POSTGRES_ROWS_H
#define POSTGRES_ROWS_H

#include "postgres/batch.h"

/* Read the columns PG_IMAGE_COLUMNS of a result's row; texts are in the arena, which the caller checks. */
void pg_rows_read(const PGresult *r, int i, struct arena *a, struct pg_image *out);
/* The same without slot_us and feed_us. */
struct image_row pg_rows_read_image(const PGresult *r, int i, struct arena *a);
/* A UUID as text. */
struct str pg_rows_uuid(const PGresult *r, int i, int column, struct arena *a);
/* The parameters of IMAGE_INSERT and IMAGE_UPDATE; they borrow from the image. */
void pg_rows_image_values(const struct pg_image *image, struct pg_value out[PG_IMAGE_VALUES + 1]);

/* Read the columns PG_OWNER_COLUMNS; texts are in the arena. */
void pg_rows_read_owner(const PGresult *r, int i, struct arena *a, struct pg_owner *out);
/* The parameters of OWNER_INSERT and OWNER_UPDATE; they borrow from the owner. */
void pg_rows_owner_values(const struct pg_owner *o, struct pg_value out[PG_OWNER_VALUES + 1]);

#endif
