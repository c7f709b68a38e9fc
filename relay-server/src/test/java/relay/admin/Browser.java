package relay.admin;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import relay.guards.Await;

/** A headless Chromium of this machine, driven by WebDriver. Nothing is downloaded. */
final class Browser implements AutoCloseable {
  private static final List<String> BROWSERS =
      List.of("chromium", "chromium-browser", "google-chrome");
  private static final String INSTALL =
      "The tests of the dashboard need Chromium and ChromeDriver: apt-get install chromium"
          + " chromium-driver. To leave them out, add"
          + " -Dtest='!Dashboard*BrowserTest'.";

  /** For busy machines: the page itself needs a second. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Path SCREENSHOTS = Path.of("target", "screenshots");
  private static final Logger LIBRARY = Logger.getLogger("org.openqa.selenium"); // kept referenced

  private final ChromeDriver driver;

  Browser() {
    LIBRARY.setLevel(Level.SEVERE);
    ChromeOptions options = new ChromeOptions();
    options.setBinary(find(BROWSERS));
    options.addArguments(
        "--headless=new",
        "--no-sandbox", // builds run as root in containers
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--hide-scrollbars");
    ChromeDriverService service =
        new ChromeDriverService.Builder()
            .usingDriverExecutable(find(List.of("chromedriver")))
            .usingAnyFreePort()
            .build();
    driver = new ChromeDriver(service, options);
  }

  private static File find(List<String> names) {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
    List<String> directories = Arrays.asList(path.split(File.pathSeparator, -1));
    return names.stream()
        .flatMap(name -> directories.stream().map(directory -> new File(directory, name)))
        .filter(File::canExecute)
        .findFirst()
        .orElseThrow(() -> new AssertionError(INSTALL));
  }

  /** Sets the window and the colours that its user prefers. */
  void looks(int width, int height, String scheme) {
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  /** Opens a page and waits for its first news. */
  void open(int port) {
    driver.get("http://127.0.0.1:" + port + "/");
    awaitText("#connection", "live"::equals);
  }

  WebElement find(String selector) {
    return driver.findElement(By.cssSelector(selector));
  }

  int count(String selector) {
    return driver.findElements(By.cssSelector(selector)).size();
  }

  /** Clicks a button of a part of the page. */
  void click(String part, String label) {
    Await.until(
        "a button " + label,
        PATIENCE,
        () -> {
          try {
            for (WebElement button : driver.findElements(By.cssSelector(part + " button"))) {
              if (button.getText().startsWith(label)) {
                button.click();
                return true;
              }
            }
          } catch (StaleElementReferenceException redrawn) {
            return false;
          }
          return false;
        });
  }

  /** The shown words of an element; empty while there is none. */
  String text(String selector) {
    return String.valueOf(
        run(
            "return document.querySelector(arguments[0])?.innerText.trim().replace(/\\s+/g, ' ')"
                + " ?? ''",
            selector));
  }

  void awaitText(String selector, Predicate<String> wanted) {
    try {
      Await.until(selector, PATIENCE, () -> wanted.test(text(selector)));
    } catch (AssertionError e) {
      throw new AssertionError(selector + " reads: " + text(selector), e);
    }
  }

  /** The value of a script in the page. */
  Object run(String script, Object... arguments) {
    Object value = driver.executeScript(script, arguments);
    return value == null ? "" : value;
  }

  long number(String script) {
    return ((Number) run(script)).longValue();
  }

  /** Keeps what the window shows, for people to look at. */
  void screenshot(String name) throws IOException {
    Files.createDirectories(SCREENSHOTS);
    Files.write(SCREENSHOTS.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
  }

  @Override
  public void close() {
    driver.quit();
  }
}
