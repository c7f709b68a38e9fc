package relay.token;

/** The token endpoint rejects the credential. An operator must replace it. */
public final class TokenRefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param message must not contain any part of the credential
   */
  public TokenRefusedException(String message) {
    super(message, null, false, false);
  }
}
