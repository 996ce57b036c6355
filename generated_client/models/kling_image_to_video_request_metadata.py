from typing import Any, TypeAlias

KlingImageToVideoRequestMetadata: TypeAlias = dict[str, Any]
""" 扩展参数 (如 negative_prompt, style, quality_level 等) """
