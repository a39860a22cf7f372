/* The commands that work on the backends without serving. */
#ifndef APP_MAINTENANCE_H
#define APP_MAINTENANCE_H

/* argv holds the flags alone; both give the exit status, with a sentence on stderr where it is not 0. */

/* `tintype sweep`: one complete sweep, including the listing of all objects; prints what it did. */
int maintain_sweep(int argc, char **argv);
/* `tintype table create`: make the DynamoDB table. */
int maintain_compact(int argc, char **argv);
int maintain_create_table(int argc, char **argv);

#endif
