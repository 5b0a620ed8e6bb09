namespace InferenceTemplate.Web.ApiClient;

/// <summary>Why a call to the Api gave nothing.</summary>
public enum ApiFailure
{
    /// <summary>The key is wrong, or the token has expired or was revoked.</summary>
    Unauthorized,

    /// <summary>The key is good, but its role may not do this.</summary>
    Forbidden,

    /// <summary>Too many calls; wait.</summary>
    Limited,

    /// <summary>No connection, or nobody behind it.</summary>
    Unreachable,

    /// <summary>No answer in time: the Api's own word that time was up, or none at all.</summary>
    TimedOut,

    /// <summary>An answer, but not one the contract has.</summary>
    Unexpected,
}

/// <summary>The value of a call, or why there is none.</summary>
public sealed record ApiResult<T>
    where T : class
{
    /// <summary>Null exactly when <see cref="Failure"/> is not.</summary>
    public T? Value { get; private init; }

    /// <summary>Null exactly when <see cref="Value"/> is not.</summary>
    public ApiFailure? Failure { get; private init; }

    /// <summary>A sentence for people, with the status where there was one; empty for a value.</summary>
    public string Detail { get; private init; } = "";

    /// <summary>The Api's own name of what was wrong, where it has one.</summary>
    public string? Code { get; private init; }

    /// <summary>The status of an answer that gave a reason of its own; null where there was none.</summary>
    public int? Status { get; private init; }

    internal static ApiResult<T> Of(T value) => new() { Value = value };

    internal static ApiResult<T> Failed(ApiFailure failure, string detail, string? code = null, int? status = null) =>
        new() { Failure = failure, Detail = detail, Code = code, Status = status };
}
