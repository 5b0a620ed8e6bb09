using System.Text.RegularExpressions;
using InferenceTemplate.Worker.Pipelines;

namespace InferenceTemplate.Worker.Execution;

/// <summary>
/// What ONNX Runtime said of a failed run, for callers: the operator and the reason, without its codes, source files and functions.
/// </summary>
internal static partial class RuntimeMessage
{
    private const string NoReason = "ONNX Runtime gives no reason";

    public static string Of(Exception exception)
    {
        if (exception is StepFailedException step)
        {
            return $"step '{step.Step}': {Of(step.Failure)}";
        }

        var text = exception.Message;
        if (Locale(text) is { } locale)
        {
            return locale;
        }

        if (OfNode().Match(text) is not { Success: true } node)
        {
            return Plain(Code().Replace(text, "")) is { Length: > 0 } plain ? plain : NoReason;
        }

        var reason = Plain(node.Groups["reason"].Value);
        return $"operator {node.Groups["operator"].Value}: {(reason.Length > 0 ? reason : NoReason)}";
    }

    /// <summary>The operator that failed, for logs and traces: the reason may have values of the request in it.</summary>
    public static string OperatorOf(Exception exception) => exception is StepFailedException step
        ? $"step '{step.Step}': {OperatorOf(step.Failure)}"
        : OfNode().Match(exception.Message) is { Success: true } node
            ? $"operator {node.Groups["operator"].Value}"
            : exception.GetType().Name;

    /// <summary>Text operators need a locale of the machine; null where the message is of something else.</summary>
    public static string? Locale(string text) => MissingLocale().Match(text) is { Success: true } missing
        ? $"the locale {missing.Groups["locale"].Value} is not installed where the worker runs, and its text operators need it"
        : null;

    private static string Plain(string text)
    {
        var line = Loading().Replace(text.TrimStart().Split('\n', 2)[0].TrimEnd(), "");
        if (Source().Match(line) is { Success: true } source)
        {
            line = WithoutFunction(line[source.Length..]);
        }

        // Better nothing than code, where the form is one that is not known here.
        return line.Contains("::", StringComparison.Ordinal)
            || line.Contains("onnxruntime", StringComparison.OrdinalIgnoreCase) ? "" : line;
    }

    // "T ns::f(int, g<h>) const [with T = float] the reason": the reason begins behind the parameters and what may follow them.
    private static string WithoutFunction(string text)
    {
        var (depth, at) = (0, text.IndexOf('(', StringComparison.Ordinal));
        for (; at >= 0 && at < text.Length; at++)
        {
            depth += text[at] switch { '(' => 1, ')' => -1, _ => 0 };
            if (depth == 0 && text[at] == ')' && (at + 1 == text.Length || text[at + 1] == ' '))
            {
                return AfterParameters().Replace(text[(at + 1)..], "").Trim();
            }
        }

        return "";
    }

    // The last one: an operator with a subgraph names itself before the operator in it.
    [GeneratedRegex(
        @"^.*returned while running (?<operator>\S+) node\..*?Status Message: (?<reason>.*)$",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex OfNode();

    [GeneratedRegex(@"^\[ErrorCode:\w+\]\s*", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Code();

    [GeneratedRegex(@"^Load model from .*? failed:\s*", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Loading();

    [GeneratedRegex(@"locale with name:\s*(?<locale>[\w.\-]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex MissingLocale();

    [GeneratedRegex(@"^\S+\.(?:cc|cpp|cxx|h|hpp|cu|cuh):\d+ ", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Source();

    [GeneratedRegex(@"^(?: const| noexcept| &+)*(?: \[with [^\]]*\])?", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex AfterParameters();
}
