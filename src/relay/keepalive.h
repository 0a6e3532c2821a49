#pragma once

/** Peers that have vanished. */

/** Sets TCP keep-alive, by which a peer that has vanished is found and the connection ends. */
void socket_find_the_dead(int fd);
