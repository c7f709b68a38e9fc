package relay.redis.walk;

/**
 * The window, the time of the last change of the slots' length, and whether a bucket is mirrored.
 */
public record Shape(long windowMicros, long since, boolean bucket) {
  long slotMicros() {
    return Math.ceilDiv(windowMicros * 241, 240L * GroupModel.SLOTS);
  }

  /** In which a debt of the whole limit flows off. */
  long refillMicros() {
    return bucket ? windowMicros : (GroupModel.SLOTS + 1) * slotMicros();
  }

  long slotOf(long micros) {
    return Math.floorDiv(micros, slotMicros());
  }
}
