package relay.stream;

import relay.model.Dialect;
import relay.model.TokenUsage;

final class JsonUsageScanner implements UsageScanner {
  private final Dialect dialect;
  private final UsageDocument document;

  JsonUsageScanner(Dialect dialect) {
    this.dialect = dialect;
    this.document = new UsageDocument(dialect);
  }

  @Override
  public void feed(byte[] buf, int off, int len) {
    document.feed(buf, off, off + len);
  }

  @Override
  public void end() {}

  @Override
  public void seekModel() {
    document.seeksModel = true;
  }

  @Override
  public String model() {
    return document.complete() ? document.model : "";
  }

  @Override
  public void seekResponse() {
    document.seeksResponse = true;
  }

  @Override
  public ResponseState response() {
    return document.complete() ? document.response() : ResponseState.UNKNOWN;
  }

  private UsageTotals totals() {
    UsageTotals totals = new UsageTotals(dialect);
    if (document.complete()) {
      totals.take(document);
    }
    return totals;
  }

  @Override
  public TokenUsage usage() {
    return totals().usage();
  }

  @Override
  public long madeBytes() {
    return 0;
  }

  @Override
  public boolean reported() {
    return totals().reported();
  }

  @Override
  public boolean finished() {
    return document.complete();
  }

  @Override
  public boolean errorSeen() {
    return document.complete() && document.error;
  }

  @Override
  public boolean atEventBoundary() {
    return false;
  }
}
