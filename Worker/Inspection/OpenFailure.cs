using System.Text.RegularExpressions;
using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>Why ONNX Runtime does not open a model, for whoever uploaded it: what is wrong, what this build has, what to do.</summary>
internal static partial class OpenFailure
{
    public static string Of(Exception exception)
    {
        var text = exception.Message;
        if (IrVersion().Match(text) is { Success: true } ir)
        {
            return $"it is of IR version {ir.Groups["given"].Value}, and ONNX Runtime reads up to {ir.Groups["most"].Value} here: "
                + "export it with an older version of onnx";
        }

        if (Opset().Match(text) is { Success: true } opset)
        {
            var (given, domain, most) = (opset.Groups["given"].Value, opset.Groups["domain"].Value, opset.Groups["most"].Value);
            return $"it needs opset {given} of {domain}, and ONNX Runtime has up to {most} here: export it with opset {most} or lower";
        }

        if (Kernel().Match(text) is { Success: true } kernel)
        {
            return $"ONNX Runtime can't open it: it has no {kernel.Groups["operator"].Value} as opset {kernel.Groups["since"].Value} defines it, "
                + "or none for the datatypes that the model gives it: export it with a later opset, or with other datatypes";
        }

        return RuntimeMessage.Locale(text) ?? $"ONNX Runtime can't open it: {RuntimeMessage.Of(exception)}";
    }

    [GeneratedRegex(
        @"IR version: (?<given>\d+), max supported IR version: (?<most>\d+)", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 60_000)]
    private static partial Regex IrVersion();

    [GeneratedRegex(
        @"Could not find an implementation for (?<operator>\S+)\((?<since>\d+)\) node", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Kernel();

    [GeneratedRegex(
        @"Opset (?<given>\d+) is under development.*support for domain (?<domain>\S+) is till opset (?<most>\d+)",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Opset();
}
