using System.Globalization;
using System.Text;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Playground;

/// <summary>A conversation with a model that generates text, and how it is to answer.</summary>
internal sealed class Conversation(ModelVersion model)
{
    /// <summary>Of a text that somebody enters: what a browser sends in one message, at three bytes a character.</summary>
    public const int MaxText = 8_000;

    /// <summary>What a field takes: one more, so that who pastes more is told, and the browser does not cut it silently.</summary>
    public const int MaxEntered = MaxText + 1;

    public const double MaxTemperature = 2;

    private static readonly string[] s_outputs = ["text", "finish_reason", "usage"];

    public List<ChatTurn> Turns { get; } = [];

    public string System { get; set; } = "";

    /// <summary>As it was entered; empty for what the model's configuration says.</summary>
    public string Temperature { get; set; } = "";

    /// <summary>As it was entered; empty for as many as are possible.</summary>
    public string MaxTokens { get; set; } = "512";

    /// <summary>Whether a model takes chats: it has the signature of those that generate text.</summary>
    public static bool Fits(ModelVersion model) =>
        model.Inputs is [{ Name: "request", Datatype: "BYTES", Shape: [1] }]
        && model.Outputs.Select(output => output.Name).Intersect(s_outputs).Count() == s_outputs.Length;

    /// <summary>The next request, or what is wrong with a field.</summary>
    /// <param name="text">What is said next; null for the conversation as it stands.</param>
    public (ChatRequest? Request, string? Error) Ask(string? text)
    {
        foreach (var (name, value) in new[] { ("message", text ?? ""), ("system prompt", System) })
        {
            if (value.Length > MaxText)
            {
                return (null, FormattableString.Invariant(
                    $"The {name} is longer than the {MaxText:#,0} characters that are sent from here: shorten it."));
            }
        }

        double? temperature = null;
        if (!string.IsNullOrWhiteSpace(Temperature))
        {
            if (!double.TryParse(Temperature, NumberStyles.Float, CultureInfo.InvariantCulture, out var given)
                || given is not (>= 0 and <= MaxTemperature))
            {
                return (null, $"Temperature: '{Temperature}' given, 0 to {MaxTemperature} expected.");
            }

            temperature = given;
        }

        int? most = null;
        if (!string.IsNullOrWhiteSpace(MaxTokens))
        {
            if (!int.TryParse(MaxTokens, NumberStyles.None, CultureInfo.InvariantCulture, out var given) || given < 1)
            {
                return (null, $"Max tokens: '{MaxTokens}' given, a whole number of 1 or more expected.");
            }

            most = given;
        }

        List<ChatMessage> messages = [];
        if (!string.IsNullOrWhiteSpace(System))
        {
            messages.Add(new ChatMessage("system", System));
        }

        foreach (var turn in Turns)
        {
            messages.Add(new ChatMessage("user", turn.Question));
            if (turn.Answer.Length > 0)
            {
                messages.Add(new ChatMessage("assistant", turn.Answer));
            }
        }

        if (text is not null)
        {
            messages.Add(new ChatMessage("user", text));
        }

        return (new ChatRequest($"{model.Name}:{model.Version}", messages, most, temperature), null);
    }

    /// <summary>What failed, and what to do about it.</summary>
    public static string Explain(ApiResult<ChatEnd> result) => (result.Failure, result.Code) switch
    {
        (_, "context_length_exceeded") => $"The conversation is too long for the model. {Sentence(result.Detail)} Begin a new one.",
        (ApiFailure.TimedOut, _) =>
            $"The model did not answer in time. {Sentence(result.Detail)} Others may wait before you: see its queue in the overview, then "
            + "send again, or ask for fewer tokens.",
        (ApiFailure.Unreachable, _) =>
            $"Nobody could answer. {Sentence(result.Detail)} See the overview for what is wrong with the model or its workers, then send "
            + "again.",
        (ApiFailure.Limited, _) => $"The limit of your tenant is reached. {Sentence(result.Detail)}",
        _ => $"The answer failed. {Sentence(result.Detail)} Send again, or change what is named.",
    };

    private static string Sentence(string text) => $"{text.TrimEnd('.')}.";
}

/// <summary>One message and its answer, which may still be growing.</summary>
internal sealed class ChatTurn(string question)
{
    private readonly StringBuilder _answer = new();

    public string Question => question;

    public string Answer { get; private set; } = "";

    /// <summary>Until its first part came; null before.</summary>
    public TimeSpan? First { get; private set; }

    /// <summary>From the question to the end.</summary>
    public TimeSpan Total { get; set; }

    public ChatEnd? End { get; set; }

    /// <summary>Why the answer is not whole; null where it is, or grows.</summary>
    public string? Cut { get; set; }

    public void Add(string part, TimeSpan elapsed)
    {
        First ??= elapsed;
        Answer = _answer.Append(part).ToString();
    }
}
