package bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Reads tasks, one JSON object a line, and answers each by one line before it reads the next. Ends with its input. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var tasks = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var json = new ObjectMapper();
    for (String line = tasks.readLine(); line != null; line = tasks.readLine()) {
      answers.println(json.writeValueAsString(Run.of(json.readValue(line, Task.class))));
    }
    System.exit(0);
  }
}
