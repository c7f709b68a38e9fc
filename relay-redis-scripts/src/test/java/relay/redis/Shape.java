package relay.redis;

/**
 * The window, the time of the last change of the slots' length, and whether a bucket is mirrored.
 */
record Shape(long windowMicros, long since, boolean bucket) {
  long slotMicros() {
    return Math.ceilDiv(windowMicros * 241, 240L * GroupModel.SLOTS);
  }

  long slotOf(long micros) {
    return Math.floorDiv(micros, slotMicros());
  }
}
