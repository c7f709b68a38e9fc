package relay.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The library exposes only its API, and documents all of it. */
@Tag("slow")
final class PublicApiTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("relay.redis");

  @Test
  void signatures_show_the_jdk_and_the_library_only() {
    Set<String> found = new TreeSet<>();
    for (JavaClass type : CLASSES) {
      if (!PublicApi.PACKAGES.contains(type.getPackageName()) || !isVisible(type)) {
        continue;
      }
      for (JavaCodeUnit unit : type.getCodeUnits()) {
        if (isVisible(unit.getModifiers())) {
          unit.getAllInvolvedRawTypes().forEach(shown -> add(found, shown, unit.getFullName()));
        }
      }
      for (JavaField field : type.getFields()) {
        if (isVisible(field.getModifiers())) {
          field.getAllInvolvedRawTypes().forEach(shown -> add(found, shown, field.getFullName()));
        }
      }
      type.getAllRawSuperclasses().forEach(shown -> add(found, shown, type.getName()));
      type.getAllRawInterfaces().forEach(shown -> add(found, shown, type.getName()));
    }
    assertEquals(Set.of(), found);
  }

  @Test
  void it_depends_on_no_other_module() {
    assertEquals(
        List.of(),
        CLASSES.stream()
            .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
            .filter(d -> (d.getTargetClass().getPackageName() + ".").startsWith("relay."))
            .filter(d -> !(d.getTargetClass().getPackageName() + ".").startsWith("relay.redis."))
            .map(Dependency::getDescription)
            .toList());
  }

  @Test
  void everything_public_is_documented() throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<String> found = new ArrayList<>();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null,
                  files,
                  null,
                  null,
                  null,
                  files.getJavaFileObjectsFromPaths(PublicApi.sources()));
      DocTrees docs = DocTrees.instance(task);
      int looked = 0;
      for (CompilationUnitTree unit : task.parse()) {
        new Undocumented(docs, found).scan(unit, null);
        looked++;
      }
      assertFalse(looked == 0);
    }
    assertEquals(List.of(), found);
  }

  /** Public types and their public members without a comment. Record components are parameters. */
  private static final class Undocumented extends TreePathScanner<@Nullable Void, @Nullable Void> {
    private final DocTrees docs;
    private final List<String> found;
    private String type = "";
    private boolean ofInterface;

    Undocumented(DocTrees docs, List<String> found) {
      this.docs = docs;
      this.found = found;
    }

    @Override
    public @Nullable Void visitClass(ClassTree tree, @Nullable Void nothing) {
      if (!isPublic(tree.getModifiers())) {
        return null;
      }
      String outer = type;
      boolean outerIsInterface = ofInterface;
      type = outer + "." + tree.getSimpleName();
      check("");
      ofInterface = tree.getKind() == Tree.Kind.INTERFACE;
      super.visitClass(tree, null);
      type = outer;
      ofInterface = outerIsInterface;
      return null;
    }

    @Override
    public @Nullable Void visitMethod(MethodTree tree, @Nullable Void nothing) {
      boolean inherits =
          tree.getModifiers().getAnnotations().stream()
              .anyMatch(a -> a.getAnnotationType().toString().equals("Override"));
      boolean ofRecord = tree.getReturnType() == null;
      if (isPublic(tree.getModifiers()) && !inherits && !ofRecord) {
        check("." + tree.getName());
      }
      return null;
    }

    @Override
    public @Nullable Void visitVariable(VariableTree tree, @Nullable Void nothing) {
      boolean constant = tree.getModifiers().getFlags().contains(Modifier.STATIC);
      if (constant && tree.getModifiers().getFlags().contains(Modifier.PUBLIC)) {
        check("." + tree.getName());
      }
      return null;
    }

    private boolean isPublic(ModifiersTree modifiers) {
      Set<Modifier> flags = modifiers.getFlags();
      return flags.contains(Modifier.PUBLIC) || (ofInterface && !flags.contains(Modifier.PRIVATE));
    }

    private void check(String member) {
      if (docs.getDocComment(getCurrentPath()) == null) {
        found.add(type.substring(1) + member);
      }
    }
  }

  private static void add(Set<String> found, JavaClass shown, String where) {
    String in = shown.getPackageName();
    boolean ours = PublicApi.PACKAGES.contains(in) && isVisible(shown.getBaseComponentType());
    if (!ours && !in.startsWith("java.") && !shown.getBaseComponentType().isPrimitive()) {
      found.add(where + " shows " + shown.getName());
    }
  }

  private static boolean isVisible(JavaClass type) {
    return isVisible(type.getModifiers())
        && type.getEnclosingClass().map(PublicApiTest::isVisible).orElse(true);
  }

  private static boolean isVisible(Set<JavaModifier> modifiers) {
    return Stream.of(JavaModifier.PUBLIC, JavaModifier.PROTECTED).anyMatch(modifiers::contains);
  }
}
