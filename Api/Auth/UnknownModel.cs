namespace InferenceTemplate.Api.Auth;

/// <summary>
/// Metadata of endpoints below <c>{model}</c>: how they answer where there is no such model, which is how they answer a caller who
/// may not use it. Without it that is a 404 in problem details.
/// </summary>
/// <param name="Answer">Given the model and, where the path has one, the version.</param>
public sealed record UnknownModel(Func<string, string?, IResult> Answer);
