package bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;

/**
 * The data of an event.
 *
 * @param n its number in its run, from 0
 * @param workMs how long its handler waits, in milliseconds
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Event(int n, String key, long workMs) {}
