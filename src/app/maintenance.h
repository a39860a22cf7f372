/* The commands that work on the backends without serving. */
#ifndef APP_MAINTENANCE_H
#define APP_MAINTENANCE_H

/* argv[0] is the verb. Each gives the exit status, with a sentence on stderr where it is not 0. */

/* `tintype sweep`: one complete sweep, including the listing of all objects; prints what it did. */
int maintain_sweep(int argc, char **argv);
/* `tintype compact`: give the free pages of the database back to the disk. */
int maintain_compact(int argc, char **argv);
/* `tintype table create`: make the DynamoDB table. */
int maintain_table(int argc, char **argv);

#endif
