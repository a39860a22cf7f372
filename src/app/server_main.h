/* The main program of `tintype serve`: settings, engine, product, handlers, listeners. */
#ifndef APP_SERVER_MAIN_H
#define APP_SERVER_MAIN_H

/* argv[0] is the verb, flags follow. Serves until SIGTERM or SIGINT. Gives the exit status: 0 after a
 * clean shutdown, 2 for a wrong setting, 1 when it cannot start; a sentence on stderr says why. */
int server_main(int argc, char **argv);

#endif
