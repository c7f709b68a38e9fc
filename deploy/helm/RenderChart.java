import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Helm's own code as a library: lints the chart strictly, and writes what it renders.
 *
 * <p>Arguments: the chart, the file to write, then files of values.
 */
class RenderChart {
  public static void main(String[] args) throws Exception {
    Helm helm = new Helm(Path.of(args[0]));
    LintResult lint = helm.lint().strict().call();
    if (lint.isFailed()) {
      lint.getMessages().forEach(System.err::println);
      System.exit(1);
    }
    TemplateCommand template = helm.template().withName("relay").withKubeVersion("1.30.0");
    for (int n = 2; n < args.length; n++) {
      template.withValuesFile(Path.of(args[n]));
    }
    Files.writeString(Path.of(args[1]), template.call());
  }
}
