/** The example of the library's page, as another program would have it. */
@org.jspecify.annotations.NullMarked
package example;
