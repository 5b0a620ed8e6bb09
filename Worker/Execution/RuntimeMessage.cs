using System.Text.RegularExpressions;

namespace InferenceTemplate.Worker.Execution;

/// <summary>What ONNX Runtime says of a failure, without where in its source it was said.</summary>
internal static partial class RuntimeMessage
{
    private const int MaxLength = 500;

    public static string Of(Exception exception)
    {
        var text = exception.Message.Replace('\0', ' ');
        text = Code().Replace(text, "");
        text = Source().Replace(text, "");
        text = Blanks().Replace(text, " ").Trim();
        return text.Length > MaxLength ? text[..MaxLength] + "..." : text;
    }

    // "[ErrorCode:RuntimeException] "
    [GeneratedRegex(@"\[ErrorCode:\w+\]\s*", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Code();

    // "/onnxruntime_src/onnxruntime/core/framework/x.cc:123 void onnxruntime::X::Y(const int&, ...) ", "file.h:12 "
    [GeneratedRegex(
        @"\S*\.(cc|cpp|cu|h|hpp):\d+\s*(([\w:<>*&~,\[\] ]+::)+[\w~<>]+(\([^)]*\))?( const)?( \[with [^\]]*\])?:?\s*)?",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Source();

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Blanks();
}
