package relay.attack;

import java.io.IOException;

/** The highest figures of a run, as read each second. */
final class Most {
  private long chargedBytes;
  private long descriptors;
  private long heapBytes;
  private long residentBytes;
  private int looks;
  private int failed;

  void look(AttackedReplica replica) {
    try {
      ReplicaFigures now = replica.figures();
      chargedBytes = Math.max(chargedBytes, now.chargedBytes());
      descriptors = Math.max(descriptors, now.descriptors());
      heapBytes = Math.max(heapBytes, now.heapBytes());
      residentBytes = replica.mostResidentBytes();
      looks++;
    } catch (IOException e) {
      failed++;
    }
  }

  long chargedBytes() {
    return chargedBytes;
  }

  long descriptors() {
    return descriptors;
  }

  long heapBytes() {
    return heapBytes;
  }

  /** Resident memory of the whole process. */
  long residentBytes() {
    return residentBytes;
  }

  /** Readings that succeeded. */
  int looks() {
    return looks;
  }

  /** Readings that failed: the operators' port is attacked, too. */
  int failed() {
    return failed;
  }
}
