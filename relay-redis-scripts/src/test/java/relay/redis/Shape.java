package relay.redis;

/** The window, since when slots have their present length, and whether a bucket is mirrored. */
record Shape(long windowMicros, long since, boolean bucket) {
  long slotMicros() {
    return Math.ceilDiv(windowMicros * (GroupModel.SLOTS + 1), GroupModel.SLOTS * GroupModel.SLOTS);
  }

  long slotOf(long micros) {
    return Math.floorDiv(micros, slotMicros());
  }
}
