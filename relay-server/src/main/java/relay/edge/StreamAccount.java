package relay.edge;

/** What a client's HTTP/2 connection is charged for. */
interface StreamAccount {
  /** For a connection that is not charged. */
  StreamAccount NONE =
      new StreamAccount() {
        @Override
        public void trust() {}

        @Override
        public boolean holdsStreams(int bytes) {
          return true;
        }
      };

  /** A request on it has shown a credential. From any thread. */
  void trust();

  /**
   * What its streams hold from now on, besides the requests of known clients. On its I/O thread.
   *
   * @return whether there is room
   */
  boolean holdsStreams(int bytes);
}
