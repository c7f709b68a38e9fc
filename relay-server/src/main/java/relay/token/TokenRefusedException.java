package relay.token;

/** The token endpoint does not know the credential, or no longer: only an operator can help. */
public final class TokenRefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param message without any part of the credential
   */
  public TokenRefusedException(String message) {
    super(message, null, false, false);
  }
}
