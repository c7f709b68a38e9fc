package relay.config;

/**
 * One credential of a provider. Limits belong to the account: see {@link ProviderConfig#groups}.
 *
 * @param id unique in the pool; by default the first 8 hex digits of the secret's SHA-256
 * @param account the owner of the quota; by default the id
 * @param workspace the part of the account whose limits hold, too; empty for none
 * @param priority keys of higher priority are used first; lower ones only when no higher key has
 *     capacity
 * @param weight its share under weighted selection; 0 = only if no other key has capacity
 * @param maxConcurrent concurrent requests on this key; 0 = no bound
 */
public record KeyConfig(
    Credential credential,
    String id,
    String account,
    String workspace,
    int priority,
    int weight,
    int maxConcurrent) {

  /** A key of no workspace. */
  public KeyConfig(
      Credential credential,
      String id,
      String account,
      int priority,
      int weight,
      int maxConcurrent) {
    this(credential, id, account, "", priority, weight, maxConcurrent);
  }

  /** The account whose quota it uses, as the engine names it: {@code account/workspace}. */
  public String quota() {
    return quota(account, workspace);
  }

  static String quota(String account, String workspace) {
    return workspace.isEmpty() ? account : account + "/" + workspace;
  }
}
