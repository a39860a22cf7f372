/* The command line as a client: upload, list, get, rm, logs. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Run `tintype VERB ...`; argv[0] is the verb. Gives the exit status: 0 only if all succeeded, 2 for wrong use. */
int cli_run(int argc, char **argv);

#endif
